// Kinds of values a ContainerSpec is made of: human notations in, plain numbers and lists out.
import { identifierFault, NAMESPACE_LABEL } from "../util/identifiers.ts";
import { isIP, isIPv4 } from "node:net";
import { z } from "zod";
import { MIB, parseByteSize, parseDuration, formatBytes } from "../util/units.ts";

/** Docker's floor (container-specs.md 2). */
const MEMORY_FLOOR = 6 * MIB;

/** Text without NUL: it ends a C string wherever it goes next. */
export const text = z.string().refine((value) => !value.includes("\0"), "must not contain a NUL character");
const nonEmpty = text.min(1, "must not be empty");

/** A word of a command line; numbers and booleans are taken as written. */
export const word = z.union([text, z.number(), z.boolean()]).transform(String);

export const words = z.array(word);

/** Bytes. `512m`, `1.5g`, `2GiB` (powers of 1024), or a plain number of bytes. */
export const byteSize = z.union([z.string(), z.number()]).transform((value, ctx) => {
  const bytes = parseByteSize(String(value));
  if (bytes !== undefined) return bytes;
  ctx.addIssue({ code: "custom", message: `${JSON.stringify(value)} is not a size; write e.g. 512m, 1g or 1.5g` });
  return z.NEVER;
});

/** Bytes of memory, at least Docker's 6 MiB. */
export const memorySize = byteSize.check(({ value, issues }) => {
  if (value >= MEMORY_FLOOR) return;
  const meant = value >= 6 && value < MIB ? ` (did you mean ${value}m?)` : "";
  issues.push({ code: "custom", input: value, message: `${formatBytes(value)} is below the minimum of 6 MiB${meant}` });
});

/** Milliseconds from `10s`, `1m30s`, `500ms`. A bare number is refused: seconds or milliseconds? */
export const duration = z.union([z.string(), z.number()]).transform((value, ctx) => {
  const ms = parseDuration(String(value));
  if (ms !== undefined) return ms;
  const unit =
    typeof value === "number" || /^\d+$/.test(value) ? `; write the unit, e.g. ${value}s` : "; write e.g. 10s or 1m30s";
  ctx.addIssue({ code: "custom", message: `${JSON.stringify(value)} is not a duration${unit}` });
  return z.NEVER;
});

/** Cores from `1`, `0.5`, `"1.5 cpus"`. */
export const cores = z.union([z.number(), z.string()]).transform((value, ctx) => {
  const match = /^(\d+(?:\.\d+)?)(?: ?cpus?)?$/i.exec(String(value).trim());
  const number = Number(match?.[1]);
  if (match && number > 0) return number;
  ctx.addIssue({ code: "custom", message: `${JSON.stringify(value)} is not a number of CPUs; write e.g. 1.5` });
  return z.NEVER;
});

/** A whole number in a range. */
export function integer(min: number, max: number): z.ZodType<number, number> {
  const range = `must be a whole number from ${min} to ${max}`;
  return z.number().int(range).min(min, range).max(max, range);
}

export const ipAddress = z.string().check(({ value, issues }) => {
  if (isIP(value) === 0)
    issues.push({ code: "custom", input: value, message: `${JSON.stringify(value)} is not an IP address` });
});

/** `10.0.0.7`, `10.0.0.7/24` or `dhcp`. */
export const nicAddress = z.string().check(({ value, issues }) => {
  if (value === "dhcp") return;
  const [address = "", prefix, ...rest] = value.split("/");
  if (!isIPv4(address)) issues.push({ code: "custom", input: value, message: `${address} is not an IPv4 address` });
  else if (rest.length > 0 || (prefix !== undefined && !(/^\d{1,2}$/.test(prefix) && Number(prefix) <= 32)))
    issues.push({ code: "custom", input: value, message: `${value} is not an IPv4 address with a prefix of 0 to 32` });
});

export const macAddress = z
  .string()
  .regex(/^([0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2}$/, "must be six pairs of hex digits separated by colons")
  .transform((mac) =>
    mac
      .toLowerCase()
      .split(":")
      .map((pair) => pair.padStart(2, "0"))
      .join(":"),
  );

const HOST_LABELS = /^[a-z0-9][a-z0-9-]{0,62}(?:\.[a-z0-9][a-z0-9-]{0,62})*$/i;

/** The rule of the VM service (sdc-docker.md 3). */
export function hostName(max: number) {
  return z
    .string()
    .regex(HOST_LABELS, "must be made of letters, digits, hyphens and single dots")
    .max(max, `must not be longer than ${max} characters`);
}

/** One or several as a list. */
export function listOrOne<T extends z.ZodType>(type: T) {
  return z.union([z.array(type), type.transform((one) => [one])]);
}

const ENV_NAME = /^[^=\s]+$/;

/** `K=V` entries from a map or a list. In a list `K` alone removes what the image says; in a map a missing value does. */
export const environment = z
  .union([z.record(text, z.union([text, z.number(), z.boolean(), z.null()])), z.array(text)])
  .transform((value, ctx) => {
    const entries = Array.isArray(value)
      ? value
      : Object.entries(value).map(([name, v]) => (v === null ? name : `${name}=${String(v)}`));
    entries.forEach((entry, i) => {
      const name = entry.split("=", 1)[0] ?? "";
      if (ENV_NAME.test(name)) return;
      ctx.addIssue({
        code: "custom",
        path: [Array.isArray(value) ? i : name],
        message: `${JSON.stringify(name)} is not a name for a variable`,
      });
    });
    return entries;
  });

/** Labels from a map or a list of `K=V`. */
export const labels = z
  .union([z.record(nonEmpty, z.union([text, z.number(), z.boolean()])), z.array(nonEmpty)])
  .transform((value) =>
    Array.isArray(value)
      ? Object.fromEntries(
          value.map((entry) => {
            const at = entry.indexOf("=");
            return at === -1 ? [entry, ""] : [entry.slice(0, at), entry.slice(at + 1)];
          }),
        )
      : Object.fromEntries(Object.entries(value).map(([name, v]) => [name, String(v)])),
  )
  .check(({ value, issues }) => {
    const namespace = value[NAMESPACE_LABEL];
    const fault = namespace === undefined ? undefined : identifierFault(namespace);
    if (fault !== undefined) issues.push({ code: "custom", input: value, path: [NAMESPACE_LABEL], message: fault });
  });

/** `name:ip` entries from a list, or from a map of names to addresses. */
export const extraHosts = z
  .union([z.array(text), z.record(text, ipAddress)])
  .transform((value, ctx) => {
    if (!Array.isArray(value)) return Object.entries(value).map(([name, ip]) => `${name}:${ip}`);
    value.forEach((entry, i) => {
      const at = entry.indexOf(":");
      if (at > 0 && isIP(entry.slice(at + 1)) !== 0) return;
      ctx.addIssue({ code: "custom", path: [i], message: `${JSON.stringify(entry)} is not NAME:ADDRESS` });
    });
    return value;
  })
  .check(({ value, issues }) => {
    for (const entry of value)
      if (/[\s\0]/.test(entry))
        issues.push({ code: "custom", input: entry, message: `${JSON.stringify(entry)} contains white space` });
  });

export interface RestartSpec {
  readonly policy: "no" | "always" | "unless-stopped" | "on-failure";
  /** 0: without limit. */
  readonly maxRetries: number;
}

/** Docker's restart policy: `no`, `always`, `unless-stopped`, `on-failure[:N]`. */
export const restart = z.string().transform((value, ctx): RestartSpec => {
  const match = /^(no|always|unless-stopped|on-failure)(?::(\d{1,9}))?$/.exec(value);
  const policy = match?.[1];
  if (policy === "no" || policy === "always" || policy === "unless-stopped" || policy === "on-failure") {
    if (match?.[2] === undefined || policy === "on-failure") return { policy, maxRetries: Number(match?.[2] ?? 0) };
  }
  ctx.addIssue({
    code: "custom",
    message: `${JSON.stringify(value)} is not allowed; use one of no, always, on-failure, on-failure:N, unless-stopped`,
  });
  return z.NEVER;
});

/** Bytes of a log's size limit: a plain number, or digits and k, m or g, **decimal** (sdc-docker.md 7). */
export const logSize = z.union([z.string(), z.int()]).transform((value, ctx) => {
  // Nobody means a log of ten bytes by 10.
  const bytes = typeof value === "string" ? parseLogSize(value) : value >= 1000 ? value : undefined;
  if (bytes !== undefined) return bytes;
  ctx.addIssue({
    code: "custom",
    message: `${JSON.stringify(value)} is not a log size; write digits and k, m or g, e.g. 10m`,
  });
  return z.NEVER;
});

/** Bytes, or undefined for what is no log size. */
export function parseLogSize(text: string): number | undefined {
  const match = /^(\d{1,12})([kmg])$/.exec(text);
  const factor = { k: 1_000, m: 1_000_000, g: 1_000_000_000 }[match?.[2] ?? ""];
  if (match === null || factor === undefined) return undefined;
  const bytes = Number(match[1]) * factor;
  return bytes > 0 && Number.isSafeInteger(bytes) ? bytes : undefined;
}
