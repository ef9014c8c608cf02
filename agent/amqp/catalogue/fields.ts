// Fields that several tasks have. Whatever becomes an argument of a command cannot be an option: no leading dash.
import { z } from "zod";
import { isUuid, isZoneUuid, type ZoneUuid } from "../../util/ids.ts";
import { sentence } from "./task.ts";

export const uuid = z.string().refine(isUuid, "not a lower-case uuid");
export const zone = z.string().refine((text): text is ZoneUuid => isZoneUuid(text), "not a lower-case uuid");

/** Head nodes send booleans, and also the words. */
export const flag = z
  .union([z.boolean(), z.enum(["true", "false"]).transform((word) => word === "true")])
  .default(false);

/** Seconds; a text of digits is taken, as the predecessors did (amqp-head-node.md 10.1). */
export const timeout = z
  .unknown()
  .transform((value, context) => {
    if (value === undefined) return undefined;
    const number = typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : value;
    if (typeof number === "number" && Number.isFinite(number) && number >= 0) return number;
    const what = typeof value === "number" ? "number" : typeof value;
    context.addIssue({ code: "custom", ...sentence(`Invalid type: "${what}" for timeout`) });
    return z.NEVER;
  })
  .optional();

/** A name that zfs, imgadm and vmadm take as one argument. */
const argument = (what: string) =>
  z
    .string()
    .max(255)
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.:%-]*$/, `not the name of ${what}`);

export const poolName = argument("a pool");
/** vmadm's own rule (vmadm.md 8), less a leading dash. */
export const snapshotName = z.string().regex(/^[A-Za-z0-9_.:%][A-Za-z0-9\-_.:%]{0,63}$/, "not the name of a snapshot");
/** `pool/a/b`, perhaps with `@snapshot`: components of letters, digits and `_ . : % -`, none a dot name. */
export const datasetName = z
  .string()
  .max(255)
  .regex(
    /^[A-Za-z][A-Za-z0-9_.:-]*(\/[A-Za-z0-9_.:%][A-Za-z0-9_.:%-]*)*(@[A-Za-z0-9_.:%-]+)?$/,
    "not the name of a dataset",
  )
  .refine((name) => !name.split("/").some((part) => part === "." || part === ".."), "not the name of a dataset");

/** A path inside a zone. */
export const zonePath = z
  .string()
  .max(4096)
  .refine((path) => path.startsWith("/"), "not an absolute path")
  .refine((path) => !path.includes("\0"), "holds a NUL character");

/** Something only a hardware VM could have, so that leaving it out would be a lie. */
export const hardwareOnly = z.never("is for hardware VMs, which this agent does not run").optional();

export const payload = z.record(z.string(), z.unknown());

/** Where payloads carry what belongs to the customer. */
export const METADATA: readonly (readonly string[])[] = [
  ["customer_metadata"],
  ["internal_metadata"],
  ["set_customer_metadata"],
  ["set_internal_metadata"],
  ["update"],
];
