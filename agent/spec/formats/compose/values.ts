// Kinds of values a Compose file is made of. Interpolation makes texts of everything, so numbers and truth values are
// taken as text, too.
import { isIP } from "node:net";
import { z } from "zod";
import { listOrOne, text } from "../../fields.ts";
import { splitWords } from "../shell-words.ts";

/** Text; numbers and truth values as they are written. */
export const scalar = z.union([text, z.number(), z.boolean()]).transform(String);

export const flag = z.union([z.boolean(), z.enum(["true", "false"]).transform((value) => value === "true")]);

/** A whole number in a range. */
export function whole(min: number, max = Number.MAX_SAFE_INTEGER) {
  const range = max === Number.MAX_SAFE_INTEGER ? `at least ${min}` : `from ${min} to ${max}`;
  return z.union([z.number(), z.string().regex(/^-?\d{1,16}$/, "must be a whole number")]).transform((value, ctx) => {
    const number = Number(value);
    if (Number.isInteger(number) && number >= min && number <= max) return number;
    ctx.addIssue({ code: "custom", message: `must be a whole number ${range}` });
    return z.NEVER;
  });
}

/** Cores, rounded up to thousandths; 0 is no limit. */
export const cpus = z.union([z.number(), z.string()]).transform((value, ctx) => {
  const number = /^\d{1,9}(\.\d{1,20})?$/.test(String(value)) ? Number(value) : Number.NaN;
  if (Number.isFinite(number)) return roundUpToThousandths(number);
  ctx.addIssue({ code: "custom", message: `${JSON.stringify(value)} is not a number of CPUs; write e.g. "1.5"` });
  return z.NEVER;
});

/** 0.1 × 1000 is a little more than 100 in binary: what is that near a thousandth is that thousandth. */
export function roundUpToThousandths(cores: number): number {
  return Math.ceil(Number((cores * 1000).toFixed(6))) / 1000;
}

/** An argument vector from a list or from text split like a shell does. `""` and `[]` are empty, not absent. */
export const commandLine = z.union([
  z.array(scalar),
  text.transform((value, ctx) => {
    const words = splitWords(value);
    if (words !== undefined) return words;
    ctx.addIssue({ code: "custom", message: "a quote is not closed, or the text ends in a backslash" });
    return z.NEVER;
  }),
]);

/** `K=V`, `K`, or a map; null for a name without value. */
export const nameValues = z
  .union([z.record(text, z.union([scalar, z.null()])), z.array(text)])
  .transform((value): Record<string, string | null> => {
    if (!Array.isArray(value)) return value;
    return Object.fromEntries(
      value.map((entry) => {
        const at = entry.indexOf("=");
        return at === -1 ? [entry, null] : [entry.slice(0, at), entry.slice(at + 1)];
      }),
    );
  });

const address = z.string().transform((value, ctx) => {
  const bare = value.replace(/^\[(.*)\]$/, "$1");
  if (isIP(bare) !== 0) return bare;
  ctx.addIssue({ code: "custom", message: `${JSON.stringify(value)} is not an IP address` });
  return z.NEVER;
});

/** Host name → address, from `host=ip`, `host:ip` or a map. */
export const hostAddresses = z.union([
  z.record(text.min(1), address),
  z
    .array(
      text.transform((value, ctx): readonly [string, string] => {
        const at = /[=:]/.exec(value)?.index ?? 0;
        const ip = value.slice(at + 1).replace(/^\[(.*)\]$/, "$1");
        if (at > 0 && isIP(ip) !== 0) return [value.slice(0, at), ip];
        ctx.addIssue({ code: "custom", message: `${JSON.stringify(value)} is not HOST=ADDRESS` });
        return z.NEVER;
      }),
    )
    .transform((entries): Record<string, string> => Object.fromEntries(entries)),
]);

export const addresses = listOrOne(address);

/** Permission bits as octal text: text is octal, a number is a number. */
export const fileMode = z.union([z.string(), z.number()]).transform((value, ctx) => {
  const bits =
    typeof value === "number"
      ? value
      : /^(0o?)?[0-7]{1,4}$/.test(value)
        ? Number.parseInt(value.replace("o", ""), 8)
        : -1;
  if (Number.isInteger(bits) && bits >= 0 && bits <= 0o7777) return bits.toString(8).padStart(4, "0");
  ctx.addIssue({ code: "custom", message: `${JSON.stringify(value)} is not a file mode; write e.g. "0440"` });
  return z.NEVER;
});
