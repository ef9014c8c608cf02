// server_sysinfo, nop, test_subtask (amqp-head-node.md 10.4, 10.5)
import { z } from "zod";
import { AgentError } from "../../errors/agent-error.ts";
import { readSysinfo } from "../../host/sysinfo.ts";
import { defineTask, type Task } from "../task.ts";
import type { TaskServices } from "./services.ts";

const seconds = z.number().min(0).max(3600);

export function serverTasks({ host }: TaskServices): readonly Task[] {
  const undone = (): Promise<{ readonly found: "undone" }> => Promise.resolve({ found: "undone" });
  return [
    defineTask({
      name: "server_sysinfo",
      summary: "what the node says of itself",
      class: "server_tasks",
      deadlineS: 60,
      mutates: false,
      input: z.object({}),
      output: z.object({ sysinfo: z.looseObject({}) }),
      run: async (_input, { signal }) => ({ sysinfo: await readSysinfo(host, { signal }) }),
      observe: undone,
    }),
    defineTask({
      name: "nop",
      summary: "does nothing for a while, or fails",
      class: "test",
      deadlineS: 3600,
      mutates: false,
      input: z.object({
        sleep: seconds.optional().describe("seconds"),
        error: z.string().max(1024).optional().describe("fail with this text"),
      }),
      output: z.object({}),
      run: async ({ sleep, error }, context) => {
        if (sleep !== undefined) await context.sleep(sleep * 1000);
        if (error !== undefined) throw new AgentError("TASK_FAILED", error);
        return {};
      },
      observe: undone,
    }),
    defineTask({
      name: "test_subtask",
      summary: "does nothing, in steps",
      class: "test",
      deadlineS: 3600,
      mutates: false,
      input: z.object({
        steps: z.int().min(1).max(20).default(2),
        sleep: seconds.default(0).describe("seconds of each step"),
      }),
      output: z.object({ steps: z.int() }),
      run: async ({ steps, sleep }, context) => {
        for (let i = 1; i <= steps; i++)
          await context.step(`step_${i}`, (100 * i) / steps, () => context.sleep(sleep * 1000));
        return { steps };
      },
      observe: undone,
    }),
  ];
}
