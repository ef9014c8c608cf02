// Ur. What its commands do is not judged: text is not run here, so only the reply to a result is compared, and that the
// request is refused.
import { z } from "zod";
import { CONNECTION_HEARTBEAT_S, urQueues, pingKey } from "../../../agent/amqp/dialect/keys.ts";
import { pong } from "../../../agent/amqp/dialect/ping.ts";
import { readUrMessage, urAnnouncements, urReply, urReplyMessage, type UrOutcome } from "../../../agent/amqp/dialect/ur.ts"; // prettier-ignore
import type { OutgoingMessage } from "../../../agent/amqp/routing.ts";
import type { Difference } from "../vector.ts";
import type { BusCase, Judge } from "./amqp.ts";
import { demand, differences, written } from "./compare.ts";

const AT = new Date("2014-05-01T10:00:00.000Z");
const MAC = "00:50:56:34:60:4c";
const givenSchema = z.looseObject({
  server_uuid: z.string(),
  admin_mac: z.string().default(MAC),
  sysinfo: z.record(z.string(), z.unknown()).default({}),
  startup_flag_file_exists: z.boolean().default(false),
  script_result: z
    .object({
      exit: z.number(),
      signal: z.string(),
      spawn_error: z.string(),
      stdout: z.string(),
      stderr: z.string(),
    })
    .partial()
    .optional(),
});
type Given = z.output<typeof givenSchema>;
const messageSchema = z.object({ routing_key: z.string(), body: z.unknown().optional() });

export const judgeUr: Judge = (one) => {
  const given = givenSchema.parse(one.given);
  const connects = z.tuple([z.object({ connection: z.literal("ready") })]).safeParse(one.input).success;
  if (connects) return { check: () => judgeConnect(given, one.expect) };
  const runs = given.script_result !== undefined;
  return {
    ...(runs ? { without: "running what was sent, which is refused" } : {}),
    check: () => judgeMessage(one, given),
  };
};

function judgeConnect(given: Given, expect: unknown): Difference[] {
  const { server_uuid: server, admin_mac: adminMac } = given;
  const wanted = z
    .looseObject({ connection_heartbeat_seconds: z.number(), queues: z.unknown(), messages_any_order: z.unknown() })
    .parse(expect);
  const announced = urAnnouncements(given.sysinfo, {
    server,
    startedBefore: given.startup_flag_file_exists,
    randomId: "cc26f7e6",
  });
  const queues = urQueues(server, adminMac).map((queue) => ({
    name: queue.name,
    exclusive: queue.exclusive,
    durable: queue.durable,
    auto_delete: queue.autoDelete,
    bindings: queue.bindings.map((key) => ({ exchange: "amq.topic", routing_key: key })),
    consume_no_ack: false,
  }));
  return [
    ...differences(wanted.connection_heartbeat_seconds, CONNECTION_HEARTBEAT_S, ["heartbeat"]),
    ...differences(wanted.queues, queues, ["queues"]),
    ...differences(wanted.messages_any_order, announced.map(written), ["messages"]),
  ];
}

function judgeMessage({ name, verdict, input, expect }: BusCase, given: Given): Difference[] {
  const [message] = z.tuple([messageSchema]).parse(input);
  const node = { server: given.server_uuid, adminMac: given.admin_mac };
  const asked = readUrMessage(message.routing_key, message.body, node);
  const got = answers(given, message, asked).map(written);
  const { messages } = z.looseObject({ messages: z.array(z.unknown()) }).parse(expect);
  if (given.script_result !== undefined) {
    const refused = demand(
      "refused with a reply that says so",
      asked.kind === "refused" && asked.reply.exit_status === 126,
    );
    return [...refused, ...(verdict === "keep" ? differences(messages, got) : rightReply(name, got))];
  }
  return verdict === "keep" ? differences(messages, got) : rightReply(name, got);
}

function answers(
  given: Given,
  message: z.output<typeof messageSchema>,
  asked: ReturnType<typeof readUrMessage>,
): OutgoingMessage[] {
  const { server_uuid: server } = given;
  if (message.routing_key === pingKey("ur", server)) {
    const answer = pong("ur", server, message.body, AT);
    return answer === undefined ? [] : [answer];
  }
  if (asked.kind === "ignored") return [];
  if (asked.kind === "sysinfo") return [urReplyMessage(server, asked.replyId, given.sysinfo)];
  if (given.script_result !== undefined) {
    const { exit_status, stdout, stderr } = urReply(outcomeOf(given.script_result));
    return [urReplyMessage(server, asked.replyId, { exit_status, stdout, stderr })];
  }
  return asked.kind === "refused" ? [urReplyMessage(server, asked.replyId, asked.reply)] : [];
}

function outcomeOf(result: NonNullable<Given["script_result"]>): UrOutcome {
  const { exit, signal, spawn_error, stdout = "", stderr = "" } = result;
  if (spawn_error !== undefined) return { spawnError: spawn_error };
  return signal === undefined ? { exit: exit ?? 0, stdout, stderr } : { signal, stdout, stderr };
}

const RIGHT: Readonly<Record<string, { readonly status: number; readonly says: RegExp }>> = {
  "file that is not there": { status: 127, says: /ENOENT/ },
  "script killed by a signal": { status: 128 + 9, says: /SIGKILL/ },
  "unknown type": { status: 126, says: /"nope" is not known/ },
};

function rightReply(name: string, got: readonly unknown[]): Difference[] {
  const right = RIGHT[name];
  const body = z.tuple([
    z.object({ body: z.object({ exit_status: z.number(), stdout: z.string(), stderr: z.string() }) }),
  ]);
  const reply = body.safeParse(got).data?.[0].body;
  return [
    ...differences(right?.status, reply?.exit_status),
    ...demand("a reason on stderr", right?.says.test(reply?.stderr ?? "") === true),
  ];
}
