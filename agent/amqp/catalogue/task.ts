// What the catalogue knows of a task: how its parameters are read, which class and lane it belongs to. What it does is
// not said here.
import { z } from "zod";
import { AgentError } from "../../errors/agent-error.ts";
import { isUuid } from "../../util/ids.ts";
import { jsonPath } from "../body.ts";
import type { WorkClass } from "../work-queues.ts";

export interface TaskTraits {
  readonly class: WorkClass;
  /**
   * `changes`: one at a time for a zone, in order. `reads`: may pass. `jumps`: does not wait for what the zone is busy
   * with, because it is how one ends that.
   */
  readonly effect: "changes" | "reads" | "jumps";
  /** The predecessor's name of the platform call, in its error texts: `VM.start error: …`. */
  readonly call?: string;
  /** What its result is to the predecessors' AMQP clients: nothing, `{vm}` of it, or all of it. */
  readonly dialectResult?: "nothing" | "vm" | "whole";
  /** Places in the parameters that may hold secrets, as paths of keys; never logged, never told to others. */
  readonly secrets?: readonly (readonly string[])[];
}

export interface ParsedTask<N extends string, P> {
  readonly task: N;
  readonly params: P;
  /** The zone it is about, lower-case uuid: its lane. */
  readonly zone: string | undefined;
}

/** A row. `parse` raises TASK_PARAMS_INVALID with every problem and its place. */
export function task<N extends string, S extends z.ZodType>(name: N, schema: S, traits: TaskTraits) {
  return {
    ...traits,
    name,
    schema,
    parse: (params: unknown): ParsedTask<N, z.output<S>> => {
      const parsed = schema.safeParse(params);
      if (!parsed.success) throw paramsInvalid(name, parsed.error);
      return { task: name, params: parsed.data, zone: zoneOf(parsed.data) };
    },
  };
}

const withUuid = z.object({ uuid: z.string().refine(isUuid) });

function zoneOf(params: unknown): string | undefined {
  return withUuid.safeParse(params).data?.uuid;
}

/**
 * Checks of ours are whole sentences that name their field, and told as they are, because predecessors' clients know some
 * of them; the schema's own words get their place in front.
 */
function paramsInvalid(name: string, error: z.ZodError): AgentError {
  const problems = error.issues.map(({ path, message }) => ({ path: jsonPath(path, "$.params"), message }));
  const sentences = error.issues.map((issue) =>
    issue.code === "custom" && issue.params?.["sentence"] === true
      ? issue.message
      : `${jsonPath(issue.path, "$.params")}: ${issue.message}`,
  );
  return new AgentError("TASK_PARAMS_INVALID", sentences.slice(0, 5).join("; "), { details: { task: name, problems } });
}

/** A check whose message stands alone. */
export function sentence(message: string): { readonly message: string; readonly params: { readonly sentence: true } } {
  return { message, params: { sentence: true } };
}
