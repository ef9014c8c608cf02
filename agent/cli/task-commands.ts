// task: the head node's tasks by hand, through the same journal.
import { randomUUID } from "node:crypto";
import { Option, type Command } from "commander";
import { z } from "zod";
import { AgentError } from "../errors/agent-error.ts";
import { EXIT_STATUS } from "../errors/classes.ts";
import { readText } from "../spec/read.ts";
import { eventBody, type TaskRecord } from "../tasks/record.ts";
import type { TaskService } from "../tasks/service.ts";
import { parseCount, parseFormat, type CliContext } from "./context.ts";
import { formatData, formatTable, humanAge, safeText, type OutputFormat } from "./output.ts";

interface SubmitOptions {
  readonly file?: string;
  readonly id?: string;
  readonly deadline?: number;
  readonly wait: boolean;
  readonly output: OutputFormat;
}

export function addTaskCommands(program: Command, context: CliContext, setStatus: (code: number) => void): void {
  const task = program
    .command("task")
    .description("work as head nodes ask for it: written down first, then done, once");
  const output = (): Option =>
    new Option("-o, --output <format>", "table, json or yaml").argParser(parseFormat).default("table");

  task
    .command("submit")
    .description("write a task into the journal and print its id; whoever works on tasks does it")
    .argument("<name>", "see agent/tasks/README.md")
    .option("-f, --file <file>", 'JSON object with its parameters; "-" reads stdin')
    .option("--id <uuid>", "id of the task: the same request under the same id is done once")
    .option("--deadline <seconds>", "how long it may take once it has begun", parseCount("--deadline"))
    .option("--wait", "see it through and print its result; works on tasks itself where nobody does", false)
    .addOption(output())
    .action(async (name: string, options: SubmitOptions) => {
      const tasks = await context.agent().tasks();
      const taskId = options.id ?? randomUUID();
      const receipt = await tasks.submit({
        taskId,
        task: name,
        params: await readParams(context, options.file),
        ...(options.deadline === undefined ? {} : { deadlineS: options.deadline }),
      });
      if (receipt.state === "rejected") {
        const { code, message, hint, details } = receipt.error;
        throw new AgentError(code, message, {
          ...(hint === undefined ? {} : { hint }),
          ...(details === undefined ? {} : { details }),
        });
      }
      if (!options.wait) {
        await context.output.out(`${taskId}\n`);
        return;
      }
      const ended = await seeThrough(tasks, taskId);
      await context.output.out(formatData(outcomeOf(ended), options.output === "yaml" ? "yaml" : "json"));
      setStatus(statusOf(ended));
    });

  task
    .command("run")
    .description("work on tasks until none is left: those that wait, and those a killed process left half-way")
    .action(async () => {
      const tasks = await context.agent().tasks();
      const signal = context.interrupts.signal;
      await tasks.work({ signal, untilDrained: true, onWait: () => void tellWaiting() });
      signal.throwIfAborted();
    });

  task
    .command("ls")
    .alias("list")
    .description("tasks that wait or run, in order, then the newest of those that have ended")
    .option("-n <count>", "how many of those that have ended", parseCount("-n"), 20)
    .addOption(output())
    .action(async (options: { n: number; output: OutputFormat }) => {
      const records = await (await context.agent().tasks()).list(options.n);
      if (options.output !== "table") {
        await context.output.out(formatData(records.map(viewOf), options.output));
        return;
      }
      const now = Date.now();
      const rows = records.map((one) => [
        one.taskId,
        one.task,
        one.terminal?.status ?? (one.state === "running" ? `running ${one.progress}%` : "waiting"),
        one.vm ?? "",
        `${humanAge(now - Date.parse(one.receivedAt))} ago`,
        one.terminal?.error?.code ?? "",
      ]);
      await context.output.out(formatTable(["ID", "TASK", "STATUS", "ZONE", "RECEIVED", "ERROR"], rows));
    });

  task
    .command("show")
    .description("everything that is remembered of a task, its events included; secret parameters stay sealed")
    .argument("<id>")
    .addOption(output())
    .action(async (id: string, options: { output: OutputFormat }) => {
      const record = await (await context.agent().tasks()).get(checkedId(id));
      if (!record) throw new AgentError("TASK_NOT_FOUND", `no task ${id}`, { hint: 'see "zonelet task ls"' });
      await context.output.out(formatData(viewOf(record), options.output === "json" ? "json" : "yaml"));
    });

  task
    .command("cancel")
    .description("call a task off: one that waits ends at once, one that runs as soon as it can")
    .argument("<id>")
    .action(async (id: string) => {
      const outcome = await (await context.agent().tasks()).cancel(checkedId(id));
      if (outcome === "finished")
        throw new AgentError("TASK_EXISTS", `task ${id} has ended already`, { hint: `see "zonelet task show ${id}"` });
      await context.output.out(`${outcome}\n`);
    });

  async function tellWaiting(): Promise<void> {
    await context.output.err("waiting: another process works on tasks\n");
  }

  /** Works until the task has ended, unless somebody else does and ends it first. */
  async function seeThrough(tasks: TaskService, id: string): Promise<TaskRecord> {
    const { signal } = context.interrupts;
    const ended = new AbortController();
    let told = -1;
    const onRecord = (record: TaskRecord): void => {
      for (const event of record.outbox.filter(({ seq }) => seq > told)) {
        told = event.seq;
        if (event.name === "finish") continue;
        const body = Object.entries(event.body ?? {}).filter(([key]) => key !== "error");
        const facts = body.map(([key, value]) => ` ${key}=${JSON.stringify(value)}`).join("");
        void context.output.err(`${safeText(`${event.at} ${event.name}${facts}`)}\n`);
      }
    };
    const work = tasks
      .work({ signal: AbortSignal.any([signal, ended.signal]), untilDrained: true })
      .catch((error: unknown) => {
        if (!ended.signal.aborted) throw error;
      });
    try {
      const watched = tasks.wait(id, { signal: AbortSignal.any([signal, ended.signal]), onRecord });
      const failed = Promise.withResolvers<never>();
      work.catch((error: unknown) => failed.reject(error));
      return await Promise.race([watched, failed.promise]);
    } finally {
      ended.abort();
      await work.catch(() => undefined);
    }
  }
}

function checkedId(id: string): string {
  if (z.uuid().safeParse(id).success && id === id.toLowerCase()) return id;
  throw new AgentError("USAGE", `"${id}" is not the id of a task`, { hint: 'ids are uuids; see "zonelet task ls"' });
}

async function readParams(context: CliContext, file: string | undefined): Promise<Record<string, unknown>> {
  if (file === undefined) return {};
  const text = file === "-" ? await context.readStdin() : await readText(file);
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new AgentError("TASK_INVALID", `${file}: the parameters are not JSON`, { cause });
  }
  const params = z.record(z.string(), z.unknown()).safeParse(json);
  if (params.success) return params.data;
  throw new AgentError("TASK_INVALID", `${file}: the parameters must be a JSON object`);
}

/** A record as people and programs see it. */
function viewOf(record: TaskRecord): unknown {
  const { outbox, terminal, params } = record;
  const inner = new Set(["version", "digest", "outbox", "terminal", "params", "order", "facts"]);
  return {
    ...Object.fromEntries(Object.entries(record).filter(([key]) => !inner.has(key))),
    params: Object.fromEntries(
      Object.entries(params).map(([key, value]) => [key, isSealed(value) ? "(sealed)" : value]),
    ),
    ...(terminal === undefined ? {} : { terminal }),
    events: outbox.map((event) => ({
      seq: event.seq,
      name: event.name,
      at: event.at,
      ...(event.name === "finish" ? {} : eventBody(record, event)),
    })),
  };
}

function isSealed(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.hasOwn(value, "$sealed");
}

function outcomeOf({ taskId, task, terminal }: TaskRecord): unknown {
  return { taskId, task, ...terminal };
}

function statusOf({ terminal }: TaskRecord): number {
  if (terminal?.error === undefined) return terminal?.status === "ok" ? 0 : 1;
  return EXIT_STATUS[terminal.error.class];
}
