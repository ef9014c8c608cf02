// Kinds of values of the Kubernetes API (k8s.io/api core/v1; container-specs.md 5).
import { isIP } from "node:net";
import { z } from "zod";
import { text } from "../../fields.ts";
import { absentable } from "../go-json.ts";
import { parseCoresQuantity, parseQuantity } from "../quantity.ts";

export const dnsLabel = z
  .string()
  .regex(
    /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/,
    "must be a DNS label: at most 63 lower-case letters, digits and hyphens",
  );

export const dnsSubdomain = z
  .string()
  .max(253, "must not be longer than 253 characters")
  .regex(/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/, "must be made of lower-case DNS labels");

export const ipAddress = z.string().check(({ value, issues }) => {
  if (isIP(value) === 0)
    issues.push({ code: "custom", input: value, message: `${JSON.stringify(value)} is not an IP address` });
});

/** A quantity as text; YAML makes numbers of `1` and `0.5`. */
export const quantity = z.union([z.string(), z.number()]).transform((value, ctx) => {
  const written = String(value);
  // Thousandths are the finest that is asked for.
  if ((parseQuantity(written, 1000) ?? -1) >= 0) return written;
  ctx.addIssue({
    code: "custom",
    message: `${JSON.stringify(value)} is not a quantity; write e.g. 250m, 1.5, 128Mi or 1G`,
  });
  return z.NEVER;
});

/** Bytes of a checked quantity, rounded up. */
export const bytesOf = (written: string): number => parseQuantity(written) ?? 0;

/** Cores of a checked quantity, rounded up to thousandths. */
export const coresOf = (written: string): number => parseCoresQuantity(written) ?? 0;

export const seconds = z
  .int("must be a whole number of seconds")
  .min(0, "must not be negative")
  .max(2 ** 31);

export const id = z
  .int()
  .min(0, "must not be negative")
  .max(2 ** 31 - 1);

export const portNumber = z.int("must be a port from 1 to 65535").min(1).max(65535);

/** A number, or the name of a port of the container. */
export const portOrName = z.union([portNumber, text.min(1)]);

export const command = z.strictObject({ command: absentable(z.array(text)) });
