// Task conversations. What a task does is the runner's; here a script of its events is made of the recorded results of
// the platform, and the messages that follow from them are compared.
import { z } from "zod";
import { parseTask, type CatalogueTask } from "../../../agent/amqp/catalogue/catalogue.ts";
import { isSettled } from "../../../agent/amqp/catalogue/settled.ts";
import { dialectError } from "../../../agent/amqp/dialect/error-words.ts";
import { CONNECTION_HEARTBEAT_S, pingKey } from "../../../agent/amqp/dialect/keys.ts";
import { pong } from "../../../agent/amqp/dialect/ping.ts";
import type { Difference } from "../vector.ts";
import type { BusCase, Judge } from "./amqp.ts";
import { demand, differences, written } from "./compare.ts";
import { failure, judgeControl } from "./control.ts";
import { AT, busMessage, codeOf, incoming, play } from "./play.ts";
import { scriptOf } from "./scripts.ts";

const givenSchema = z.looseObject({ server_uuid: z.string() });

export const judgeTask: Judge = (one) => {
  const { server_uuid: server } = givenSchema.parse(one.given);
  const first = busMessage.safeParse(one.input[0]).data;
  if (one.name === "keep-alive")
    return { check: () => differences(30, CONNECTION_HEARTBEAT_S, ["heartbeat of the connection instead"]) };
  if (first?.routing_key === pingKey("provisioner", server))
    return {
      check: () => {
        const answer = pong("provisioner", server, first.body, AT);
        return differences(messagesOf(one), answer === undefined ? [] : [written(answer)]);
      },
    };
  if ("vm_library_results" in (one.given ?? {}))
    return { without: "the commands and calls of a task", check: () => judgeConversation(one, server) };
  return { check: () => judgeControl(one, server) };
};

function messagesOf({ expect }: BusCase): unknown[] {
  return z.looseObject({ messages: z.array(z.unknown()) }).parse(expect).messages;
}

function judgeConversation(one: BusCase, server: string): Difference[] {
  const request = incoming(one.input[0]);
  const got = play(request, server, (task) => scriptOf(task, one.given)).map(written);
  const wanted = messagesOf(one);
  if (one.verdict === "keep") return [...differences(wanted, got), ...judgeCalls(one, server)];
  // The predecessor stopped there; an error and a finish have to follow.
  const [told, more] = [got.slice(0, wanted.length), got.slice(wanted.length)];
  const names = more.map(({ routing_key }) => String(routing_key).split(".")[3]);
  return [
    ...differences(wanted, told),
    ...differences("error finish", names.filter((name) => name !== "progress").join(" ")),
  ];
}

const callsSchema = z.looseObject({
  vm_library_calls: z.array(z.object({ fn: z.string(), args: z.array(z.unknown()) })),
});

/** Where a call shows what became of the parameters. */
function judgeCalls(one: BusCase, server: string): Difference[] {
  const calls = callsSchema.safeParse(one.expect).data?.vm_library_calls ?? [];
  const stop = calls.find(({ fn }) => fn === "stop");
  if (stop === undefined) return [];
  const [task] = taskOf(one, server);
  if (task?.task !== "machine_shutdown") return demand("a shutdown", false);
  const { timeout, force } = task.params;
  return differences(stop.args[1], { ...(timeout === undefined ? {} : { timeout }), ...(force ? { force } : {}) });
}

function taskOf(one: BusCase, server: string): CatalogueTask[] {
  const tasks: CatalogueTask[] = [];
  play(incoming(one.input[0]), server, (task) => {
    tasks.push(task);
    return [];
  });
  return tasks;
}

// ---- the successor's HTTP agent: its tasks and parameters are the same -------------------------------------------------

const httpRequest = z.object({ body: z.object({ task: z.string(), params: z.record(z.string(), z.unknown()) }) });
const httpReply = z.looseObject({
  reply: z.object({
    status: z.number(),
    body: z.union([z.string(), z.looseObject({ details: z.looseObject({ restCode: z.string() }).optional() })]),
  }),
});
const commandResults = z.looseObject({
  command_results: z.array(
    z.looseObject({ argv_starts_with: z.string().optional(), exit: z.number(), stderr: z.string().default("") }),
  ),
});

export const judgeCnAgentTask: Judge = (one) => {
  // What a task finds out, and does about it, is not in its parameters.
  if (one.name === "machine_destroy of a hidden VM") return { needs: "the task runner", check: () => [] };
  return { without: "the HTTP door, which there is none of, and the commands of a task", check: () => judgeHttp(one) };
};

function judgeHttp({ name, verdict, given, input, expect }: BusCase): Difference[] {
  const [{ body }] = z.tuple([httpRequest]).parse(input);
  if (body.task === "command_execute")
    return demand("a typed refusal", refusal(body.task, body.params) === "TASK_UNSUPPORTED");
  const task = parseTask(body.task, body.params);
  const { reply } = httpReply.parse(expect);
  const stderr = commandResults.parse(given).command_results.findLast((one) => one.argv_starts_with?.startsWith("/usr/sbin/vmadm") === true && one.exit !== 0)?.stderr.trim(); // prettier-ignore
  if (verdict === "defect") return rightHttp(name, task, stderr ?? "");
  const restCode = typeof reply.body === "string" ? undefined : reply.body.details?.restCode;
  if (restCode !== undefined) {
    const code = restCode === "VmNotFound" ? "ZONE_NOT_FOUND" : "CONTAINER_NOT_RUNNING";
    return differences({ restCode }, dialectError(body.task, failure(code, "")).details);
  }
  // A platform's error that the predecessor answered with success is one that settles the task.
  if (reply.status === 200 && stderr !== undefined) return demand("settled", isSettled(task, codeOf(stderr)));
  return [];
}

function refusal(task: string, params: unknown): string | undefined {
  try {
    parseTask(task, params);
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : undefined;
  }
}

function rightHttp(name: string, task: CatalogueTask, stderr: string): Difference[] {
  if (name.startsWith("machine_create fails")) {
    const last = stderr.split("\n").at(-1) ?? "";
    const { error } = dialectError(task.task, failure("HOST_COMMAND_FAILED", "x", { platform: last }));
    return [...demand("the last line is there", last !== ""), ...differences(`VM.create error: ${last}`, error)];
  }
  return demand(`"${stderr}" settles it`, isSettled(task, codeOf(stderr)));
}
