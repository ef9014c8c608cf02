// Kinds of values vmadm takes, by its own rules (vmadm.md 5): numbers and booleans may be text, lists may be one string
// with commas, blank is unset. What vmadm would drop or bend silently is refused or told by lint.
import { isIP, isIPv4 } from "node:net";
import { z } from "zod";

/** `true`, `"true"`, `1`, `"1"` and the two falses; 0 is a mistake to vmadm, too. */
export const rawBoolean = z.union([z.boolean(), z.string(), z.number()]).transform((value, ctx) => {
  if (value === true || value === "true" || value === 1 || value === "1") return true;
  if (value === false || value === "false") return false;
  ctx.addIssue({ code: "custom", message: `${JSON.stringify(value)} is not a boolean; use true or false` });
  return z.NEVER;
});

/** A whole number, also as text. */
export function rawInteger(min: number, max = Number.MAX_SAFE_INTEGER) {
  return z.union([z.number(), z.string()]).transform((value, ctx) => {
    const number = typeof value === "number" ? value : /^-?\d{1,16}$/.test(value.trim()) ? Number(value) : NaN;
    if (Number.isSafeInteger(number) && number >= min && number <= max) return number;
    const range = max === Number.MAX_SAFE_INTEGER ? `of at least ${min}` : `from ${min} to ${max}`;
    ctx.addIssue({ code: "custom", message: `${JSON.stringify(value)} is not a whole number ${range}` });
    return z.NEVER;
  });
}

export const rawText = z.string().refine((text) => !/[\0\n]/.test(text), "must be one line without NUL");

/** A list, or one string with commas; empty items fall away. */
export const rawList = z
  .union([z.array(z.union([z.string(), z.number()])), z.string()])
  .transform((value) =>
    (Array.isArray(value) ? value.map(String) : value.split(","))
      .map((item) => item.trim())
      .filter((item) => item !== ""),
  );

export const rawAddresses = rawList.check(({ value, issues }) => {
  for (const address of value)
    if (isIP(address) === 0)
      issues.push({ code: "custom", input: address, message: `${JSON.stringify(address)} is not an IP address` });
});

export const rawIPv4 = z.string().check(({ value, issues }) => {
  if (!isIPv4(value))
    issues.push({ code: "custom", input: value, message: `${JSON.stringify(value)} is not an IPv4 address` });
});

export const rawUuid = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, "must be a uuid in lower case");

/** Values of metadata and tags: text, numbers, booleans. Structured values are JSON **in a string**. */
export const rawFlatObject = z.record(z.string(), z.unknown()).transform((value, ctx) => {
  const flat: Record<string, string | number | boolean> = {};
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner === "string" || typeof inner === "number" || typeof inner === "boolean") flat[key] = inner;
    else if (inner === null) ctx.addIssue({ code: "custom", path: [key], message: "has no value" });
    else {
      const text = JSON.stringify(inner);
      const example = text.length <= 60 ? `: ${JSON.stringify(text)}` : "";
      ctx.addIssue({ code: "custom", path: [key], message: `must be text: write it as JSON in a string${example}` });
    }
  }
  return flat;
});
