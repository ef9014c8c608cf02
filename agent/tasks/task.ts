// What a task is: a name, what it takes and gives, and how it is done. Every handler is written as observe → decide →
// act: the second time it finds the first one's work and leaves it alone.
import type { z } from "zod";
import { AgentError } from "../errors/agent-error.ts";
import type { ZoneUuid } from "../util/ids.ts";
import type { WorkClass } from "./lanes.ts";

/** What a look at the platform says about a task whose process died, or whose time ran out. */
export type Observation<O> =
  | { readonly found: "done"; readonly result: O }
  /** Nothing of it is there, or what is there does no harm: it may run again. */
  | { readonly found: "undone" }
  | { readonly found: "unclear"; readonly what: string };

export interface TaskContext {
  readonly taskId: string;
  /** Aborts when the task is cancelled or its deadline passes. */
  readonly signal: AbortSignal;
  /** What was noted, by this attempt or an earlier one. */
  readonly facts: Readonly<Record<string, unknown>>;
  /** Writes facts down, durably, before the handler acts on them. */
  note(facts: Readonly<Record<string, unknown>>): Promise<void>;
  /** Runs a named part of the task; `percent` is how far the whole is when it is over. */
  step<T>(name: string, percent: number, work: () => Promise<T>): Promise<T>;
  /** 0 to 100; what is less than before is ignored. */
  progress(percent: number): void;
  /** A child that changes the platform was started. */
  onSpawn(pid: number, argv: readonly string[]): void;
  sleep(ms: number): Promise<void>;
}

export interface TaskSpec<I, O> {
  readonly name: string;
  /** One line for people. */
  readonly summary: string;
  readonly class: WorkClass;
  /** Seconds it may take unless the caller says otherwise. */
  readonly deadlineS: number;
  readonly mutates: boolean;
  /** Does not wait for its zone's other tasks. */
  readonly jumps?: boolean;
  readonly input: z.ZodType<I>;
  readonly output: z.ZodType<O>;
  /** Parameters that never stand in clear in the journal, in errors or in results. */
  readonly secret?: readonly string[];
  /** The zone it is about. */
  readonly zone?: (input: I) => ZoneUuid | undefined;
  readonly run: (input: I, context: TaskContext) => Promise<O>;
  readonly observe: (input: I, context: TaskContext) => Promise<Observation<O>>;
}

/** A task with its parameters checked. */
export interface ParsedTask {
  readonly zone: ZoneUuid | undefined;
  run(context: TaskContext): Promise<unknown>;
  observe(context: TaskContext): Promise<Observation<unknown>>;
}

export interface Task extends Pick<
  TaskSpec<never, never>,
  "name" | "summary" | "class" | "deadlineS" | "mutates" | "jumps" | "secret"
> {
  readonly input: z.ZodType;
  readonly output: z.ZodType;
  /** Raises TASK_INVALID with the place of each problem; the values themselves are not told. */
  parse(params: unknown): ParsedTask;
}

export function defineTask<I, O>(spec: TaskSpec<I, O>): Task {
  const { input: schema, output, run, observe, zone, ...rest } = spec;
  return {
    ...rest,
    input: schema,
    output,
    parse(params) {
      const parsed = schema.safeParse(params);
      if (!parsed.success) throw invalid(spec.name, parsed.error);
      const { data } = parsed;
      return {
        zone: zone?.(data),
        run: async (context) => output.parse(await run(data, context)),
        observe: (context) => observe(data, context),
      };
    },
  };
}

function invalid(name: string, error: z.ZodError): AgentError {
  const problems = error.issues.map((issue) => ({
    path: ["params", ...issue.path]
      .map((step, i) => (typeof step === "number" ? `[${step}]` : i === 0 ? String(step) : `.${String(step)}`))
      .join(""),
    message: issue.message,
  }));
  return new AgentError(
    "TASK_INVALID",
    `task ${name}: ${problems.map(({ path, message }) => `${path}: ${message}`).join("; ")}`,
    { hint: "agent/tasks/README.md lists what each task takes", details: { problems } },
  );
}
