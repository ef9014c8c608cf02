// Zone objects out of vmadm's JSON. Tolerant: one odd zone must not hide the others.
import { z } from "zod";
import { AgentError } from "../errors/agent-error.ts";
import type { Logger } from "../log/logger.ts";
import { vmObjectSchema, type VmObject } from "./schema.ts";

/** Output of `vmadm get`. HOST_OUTPUT_INVALID for anything but a zone object. */
export function parseZone(text: string, subject: string): VmObject {
  const zone = vmObjectSchema.safeParse(parseJson(text, subject));
  if (zone.success) return zone.data;
  throw new AgentError("HOST_OUTPUT_INVALID", `${subject}: vmadm printed an object that is no zone`, {
    cause: z.prettifyError(zone.error),
  });
}

/** Output of `vmadm lookup -j`. Elements that are no zones are skipped with a warning. */
export function parseZones(text: string, subject: string, log: Logger): VmObject[] {
  const elements = z.array(z.unknown()).safeParse(parseJson(text, subject));
  if (!elements.success)
    throw new AgentError("HOST_OUTPUT_INVALID", `${subject}: vmadm printed something else than a list`);
  return elements.data.flatMap((element) => readZone(element, log) ?? []);
}

/** A zone object, or undefined and a warning where it is none. */
export function readZone(element: unknown, log: Logger): VmObject | undefined {
  const zone = vmObjectSchema.safeParse(element);
  if (zone.success) return zone.data;
  const named = z.looseObject({ uuid: z.unknown() }).safeParse(element);
  log.warn({ zone: named.data?.uuid, problem: z.prettifyError(zone.error) }, "vmadm told of a zone we cannot read");
  return undefined;
}

function parseJson(text: string, subject: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new AgentError("HOST_OUTPUT_INVALID", `${subject}: vmadm printed no JSON`, { cause: error });
  }
}
