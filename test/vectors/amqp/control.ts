// What an agent says by itself: pings, its list of tasks, and requests that are not in order.
import { z } from "zod";
import { processEndText } from "../../../agent/amqp/dialect/error-words.ts";
import { parseDialectRequest } from "../../../agent/amqp/dialect/request.ts";
import { showTasks } from "../../../agent/amqp/dialect/show-tasks.ts";
import type { TaskError } from "../../../agent/amqp/task-event.ts";
import { AgentError } from "../../../agent/errors/agent-error.ts";
import { ERROR_CODES, type ErrorCode } from "../../../agent/errors/codes.ts";
import type { Difference } from "../vector.ts";
import type { BusCase } from "./amqp.ts";
import { demand, differences, written } from "./compare.ts";
import { AT, incoming, play } from "./play.ts";

export function failure(code: ErrorCode, message: string, details?: Readonly<Record<string, unknown>>): TaskError {
  return { class: ERROR_CODES[code], code, message, retryable: false, ...(details === undefined ? {} : { details }) };
}

const exitSchema = z.looseObject({
  child_exit: z.object({ code: z.number().nullable(), signal: z.string().nullable() }),
});

export function judgeControl(one: BusCase, server: string): Difference[] {
  const message = incoming(one.input[0]);
  const { messages_after_the_exit: after, messages } = z
    .looseObject({ messages_after_the_exit: z.unknown().optional(), messages: z.unknown().optional() })
    .parse(one.expect);
  const names = (): string =>
    play(message, server, () => [{ kind: "start" }, { kind: "finish", status: "ok", result: {} }])
      .map(({ routingKey }) => routingKey.split(".").slice(3).join("."))
      .join(" ");
  switch (one.name) {
    case "show_tasks": {
      const asked = parseDialectRequest(message, server);
      const shown = {
        task: "nop",
        clientId: "5699633f",
        taskId: "11999575",
        reqId: undefined,
        params: {},
        failed: false,
      };
      const history = [{ ...shown, startedAt: AT, finishedAt: AT, events: [{ name: "finish", at: AT }] }];
      const got = written(showTasks(server, asked, history, { at: AT, pid: 4711 }));
      const hidden = z.looseObject({ body: z.unknown().optional() }).parse(got);
      // What each entry says of messages and log is told in words only.
      return differences(messages, [{ ...hidden, body: withWords(hidden.body) }]);
    }
    case "task child exits with 1":
    case "task child killed": {
      const { child_exit: end } = exitSchema.parse(one.given);
      const { task } = parseDialectRequest(message, server);
      // Another task's parameters would be refused, and this one's are not there: it died before it looked.
      const request = { ...message, routingKey: message.routingKey.replace(task, "nop") };
      const error = failure("INTERNAL", processEndText(task, end));
      const got = play(request, server, () => [{ kind: "finish", status: "interrupted", error }]).map(written);
      const text = `Child task process ${task} did not terminate cleanly. (SIGKILL)`;
      const right = one.verdict === "keep" ? after : parsed(JSON.stringify(after).replace(/Child[^"]*/, text));
      return differences(right, got);
    }
    case "request without ids":
      return demand("refused", refused(message, server) === "MESSAGE_INVALID");
    case "body that is not JSON":
      return demand("refused", refused(message, server) === "MESSAGE_INVALID");
    case "unknown task": {
      const got = play(message, server, () => []).map(({ routingKey }) => routingKey.split(".")[3]);
      return differences(["progress", "start", "error", "progress", "finish"], got);
    }
    case "JSON body sent without a content type":
      return differences(
        ["progress", "start", "progress", "finish"].map((event) => `${event}.5699633f.11999575`).join(" "),
        names(),
      );
    default:
      return demand("a case whose right behaviour is known here", false);
  }
}

function parsed(text: string): unknown {
  return JSON.parse(text);
}

function refused(message: ReturnType<typeof incoming>, server: string): string | undefined {
  try {
    parseDialectRequest(message, server);
    return undefined;
  } catch (error) {
    return error instanceof AgentError ? error.code : undefined;
  }
}

function withWords(body: unknown): unknown {
  const { history } = z
    .object({ history: z.array(z.looseObject({ messages: z.unknown().optional(), log: z.unknown() })) })
    .parse(body);
  return { history: history.map((entry) => ({ ...entry, log: ["-"] })) };
}
