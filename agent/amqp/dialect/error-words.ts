// An error in the predecessors' words. They had a text and nothing else, and programs match on some of it.
import { z } from "zod";
import type { TaskError } from "../task-event.ts";
import { isTask, TASKS } from "../catalogue/catalogue.ts";

/** How a process of ours ended; named by the signal, where the predecessor said null. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface DialectError {
  readonly error: string;
  readonly details?: { readonly restCode: string };
}

const REST_CODES: Readonly<Record<string, string>> = {
  ZONE_NOT_FOUND: "VmNotFound",
  CONTAINER_NOT_FOUND: "VmNotFound",
  ZONE_NOT_RUNNING: "VmNotRunning",
  CONTAINER_NOT_RUNNING: "VmNotRunning",
};

const platformSchema = z.object({ platform: z.string().min(1) });
const existsSchema = z.object({ zone: z.string() });

/**
 * Text and details of an error event. What the platform said is told as the failure of the call, as the library in the
 * predecessor did: `VM.start error: …`. Everything else is told in our words.
 */
export function dialectError(task: string, error: TaskError): DialectError {
  const restCode = Object.hasOwn(REST_CODES, error.code) ? REST_CODES[error.code] : undefined;
  return { error: errorText(task, error), ...(restCode === undefined ? {} : { details: { restCode } }) };
}

function errorText(task: string, error: TaskError): string {
  const call = isTask(task) ? TASKS[task].call : undefined;
  const said = platformSchema.safeParse(error.details).data?.platform;
  if (call !== undefined && said !== undefined) return `VM.${call} error: ${said}`;
  const zone = existsSchema.safeParse(error.details).data?.zone;
  if (task === "machine_create" && error.code === "ZONE_EXISTS" && zone !== undefined) return `Machine ${zone} exists.`;
  return error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
}

/** What a task that died with its process says. */
export function processEndText(task: string, { code, signal }: ProcessEnd): string {
  return `Child task process ${task} did not terminate cleanly. (${signal ?? code ?? "unknown"})`;
}
