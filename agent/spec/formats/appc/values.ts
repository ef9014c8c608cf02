// Kinds of values App Container manifests are made of (container-specs.md 6). Keys these manifests do not define are
// ignored, as the format's own parser does.
import { z } from "zod";
import { text } from "../../fields.ts";
import { listOf } from "../go-json.ts";

// The published expressions are stricter than the checking code, which tests the character set and both ends: `a--b`
// passes.
export const acIdentifier = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9._~/-]*[a-z0-9])?$/,
    "must be made of a-z, 0-9 and -._~/, beginning and ending with a letter or digit",
  );
export const acName = z
  .string()
  .regex(
    /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/,
    "must be made of a-z, 0-9 and hyphens, beginning and ending with a letter or digit",
  );

export const imageId = z.string().regex(/^sha512-[^-]+$/, "must be sha512- and a hexadecimal digest");

/** Architectures by operating system; their names differ from Go's and OCI's. */
const ARCHITECTURES: Readonly<Record<string, readonly string[]>> = {
  linux: ["amd64", "i386", "aarch64", "aarch64_be", "armv6l", "armv7l", "armv7b", "ppc64", "ppc64le", "s390x"],
  freebsd: ["amd64", "i386", "arm"],
  darwin: ["x86_64", "i386"],
};

/** A list of `{name, value}` as a map; names are unique. */
function namedValues(name: z.ZodType<string, string>) {
  return listOf(z.object({ name, value: text })).transform((list, ctx) => {
    const map = new Map<string, string>();
    for (const [i, entry] of list.entries()) {
      if (map.has(entry.name))
        ctx.addIssue({ code: "custom", path: [i, "name"], message: `a second ${JSON.stringify(entry.name)}` });
      map.set(entry.name, entry.value);
    }
    return Object.fromEntries(map);
  });
}

export const environment = namedValues(
  text.regex(/^[A-Za-z_][A-Za-z_0-9.-]*$/, "must be made of letters, digits and _.-, beginning with a letter or _"),
);

const RFC3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

export const annotations = namedValues(acIdentifier).check(({ value, issues }) => {
  const complain = (name: string, message: string): void => {
    issues.push({ code: "custom", input: value, message: `the annotation "${name}" must be ${message}` });
  };
  const { created } = value;
  if (created !== undefined && !(RFC3339.test(created) && !Number.isNaN(Date.parse(created))))
    complain("created", "a time such as 2014-10-27T19:32:27Z");
  for (const name of ["homepage", "documentation"]) {
    const url = value[name];
    if (url !== undefined && !(/^https?:\/\//.test(url) && URL.canParse(url)))
      complain(name, "an http or https address");
  }
});

export const imageLabels = namedValues(acIdentifier).check(({ value, issues }) => {
  const complain = (message: string): void => {
    issues.push({ code: "custom", input: value, message });
  };
  if (Object.hasOwn(value, "name")) complain('a label must not be called "name"');
  const { os, arch } = value;
  if (os === undefined) return;
  const architectures = Object.hasOwn(ARCHITECTURES, os) ? ARCHITECTURES[os] : undefined;
  if (!architectures) complain(`the os ${JSON.stringify(os)} is none of ${Object.keys(ARCHITECTURES).join(", ")}`);
  else if (arch !== undefined && !architectures.includes(arch))
    complain(`the arch ${JSON.stringify(arch)} is none of ${os}'s: ${architectures.join(", ")}`);
});

/** Whether an LX zone can run an image with these labels. */
export function isRunnable({ os = "linux", arch = "amd64" }: Readonly<Record<string, string>>): boolean {
  return os === "linux" && (arch === "amd64" || arch === "i386");
}

/** Adds a complaint for each item whose name an earlier one has. */
export function complainOfRepeats(
  list: readonly { readonly name: string }[],
  what: string,
  complain: (index: number, message: string) => void,
): void {
  const seen = new Set<string>();
  for (const [i, { name }] of list.entries()) {
    if (seen.has(name)) complain(i, `a second ${what} named ${JSON.stringify(name)}`);
    seen.add(name);
  }
}
