// The failure object `vmadm validate` prints on stderr (vmadm.md 3.2). Pure.
import { z } from "zod";
import { CommandError } from "../exec/errors.ts";
import type { ValidationFailure } from "./client.ts";
import { readStderr } from "./output.ts";

const badBrand = z.strictObject({ bad_brand: z.string() });
const badPayload = z.strictObject({
  bad_values: z.array(z.string()),
  bad_properties: z.array(z.string()),
  missing_properties: z.array(z.string()),
});

/** The verdict in a failed validate's stderr; undefined when it failed for another reason. */
export function parseValidationFailure(error: unknown): ValidationFailure | undefined {
  if (!(error instanceof CommandError) || error.outcome.exitCode !== 1) return undefined;
  let object: unknown;
  try {
    object = JSON.parse(readStderr(error.outcome.stderrTail).text);
  } catch {
    return undefined;
  }
  const payload = badPayload.safeParse(object);
  if (payload.success)
    return {
      badValues: payload.data.bad_values,
      badProperties: payload.data.bad_properties,
      missingProperties: payload.data.missing_properties,
    };
  const brand = badBrand.safeParse(object);
  if (!brand.success) return undefined;
  return { badBrand: brand.data.bad_brand, badValues: [], badProperties: [], missingProperties: [] };
}
