// Envelope v1: what may come in, what goes out.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MAX_EVENT_BYTES, MAX_REQUEST_BYTES } from "../../agent/amqp/body.ts";
import { controlAnswer, controlMessage, parseControl, type ControlRequest } from "../../agent/amqp/control.ts";
import { parseEvent } from "../../agent/amqp/event-reader.ts";
import { addressOf, eventMessage, parseRequest, requestMessage, type IncomingMessage } from "../../agent/amqp/envelope.ts"; // prettier-ignore
import { matchesTopic, type OutgoingMessage } from "../../agent/amqp/routing.ts";
import type { TaskEvent } from "../../agent/amqp/task-event.ts";
import { clientBinding, controlKey, nodePermissions, nodeQueues, parseEventKey, statusKey, taskKey } from "../../agent/amqp/topology.ts"; // prettier-ignore
import { AgentError } from "../../agent/errors/agent-error.ts";

const SERVER = "564dba97-54f6-4d3d-50d4-fe51cb228cc8";
const OTHER = "00000000-0000-4000-8000-002590935ac4";
const TASK_ID = "0b8c1c0e-8a51-4c0f-9d6b-0d7d7b0b3a55";
const good = { v: 1, task: "machine_boot", taskId: TASK_ID, clientId: "head1", params: { uuid: OTHER } };
const key = taskKey(SERVER, "machine_boot");

function incoming(body: unknown, more: Partial<IncomingMessage> = {}): IncomingMessage {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  return { routingKey: key, contentType: "application/json", bytes, ...more };
}

function delivered({ routingKey, properties, body }: OutgoingMessage): IncomingMessage {
  return { ...properties, routingKey, bytes: Buffer.from(JSON.stringify(body)) };
}

function refusal(message: IncomingMessage): AgentError {
  try {
    parseRequest(message, SERVER);
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new Error("taken");
}

describe("a request", () => {
  test("is read, and unknown fields are ignored", () => {
    expect(parseRequest(incoming({ ...good, later: true }), SERVER)).toEqual(good);
    expect(parseRequest(incoming({ ...good, params: undefined }), SERVER).params).toEqual({});
  });

  test.each([
    ["no JSON", "{", /^the message is not JSON$/],
    ["nothing", "", /empty/],
    ["no UTF-8", Buffer.from([0x22, 0xff, 0x22]), /not UTF-8/],
    ["an array", [], /^the request is not well-formed: \$: /],
    ["no version", { ...good, v: undefined }, /\$\.v: /],
    ["a version that is no number", { ...good, v: "1" }, /\$\.v: /],
    ["no task id", { ...good, taskId: undefined }, /\$\.taskId: /],
    ["an upper-case uuid", { ...good, taskId: TASK_ID.toUpperCase() }, /\$\.taskId: not a lower-case uuid/],
    ["a client with a dot", { ...good, clientId: "a.b" }, /\$\.clientId: letters/],
    ["a client that is a pattern", { ...good, clientId: "#" }, /\$\.clientId: /],
    ["a time of no form", { ...good, notAfter: "soon" }, /\$\.notAfter: /],
    ["a deadline in the past", { ...good, deadlineS: -1 }, /\$\.deadlineS: /],
    ["parameters that are a list", { ...good, params: [] }, /\$\.params: /],
    ["brackets without end", "[".repeat(100_000), /deeper than 64/],
  ])("with %s is refused with its place", (_, body, said) => {
    const error = refusal(incoming(body));
    expect(error.code).toBe("MESSAGE_INVALID");
    expect(error.message).toMatch(said);
  });

  test("never quotes a body that does not parse", () => {
    expect(refusal(incoming('{"password": "hunter2"')).message).not.toContain("hunter2");
  });

  test("has a size", () => {
    const pad = (bytes: number): string => JSON.stringify({ ...good, params: { a: "x".repeat(bytes) } });
    expect(refusal(incoming(pad(2 * MAX_REQUEST_BYTES))).code).toBe("MESSAGE_TOO_LARGE");
    expect(parseRequest(incoming(pad(MAX_REQUEST_BYTES - 1000)), SERVER).task).toBe("machine_boot");
  });

  test("of another version is told what is known, whatever else it holds", () => {
    const error = refusal(incoming({ v: 2, what: "ever" }));
    expect(error).toMatchObject({ code: "MESSAGE_VERSION", details: { supported: [1] } });
  });

  test("without a content type is JSON; with another one it is nothing", () => {
    expect(parseRequest(incoming(good, { contentType: undefined }), SERVER).taskId).toBe(TASK_ID);
    expect(parseRequest(incoming(good, { contentType: "application/json; charset=utf-8" }), SERVER).v).toBe(1);
    expect(refusal(incoming(good, { contentType: "application/octet-stream" })).code).toBe("MESSAGE_INVALID");
  });

  test.each([
    ["another server", { routingKey: taskKey(OTHER, "machine_boot") }],
    ["another task than its key", { routingKey: taskKey(SERVER, "machine_kill") }],
    ["no task", { routingKey: `zonelet.${SERVER}.event.finish` }],
    ["too many words", { routingKey: `${key}.x` }],
    ["another message id", { messageId: OTHER }],
  ])("for %s is misrouted", (_, more) => expect(refusal(incoming(good, more)).code).toBe("MESSAGE_MISROUTED"));

  test("that is refused is answered where an address can be read", () => {
    expect(addressOf(incoming({ v: 9, taskId: TASK_ID, clientId: "head1" }))).toEqual({ taskId: TASK_ID, clientId: "head1" }); // prettier-ignore
    expect(addressOf(incoming("{"))).toBeUndefined();
    expect(addressOf(incoming({ taskId: TASK_ID }))).toBeUndefined();
  });

  test("any bytes are read or refused with a typed error", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), fc.json().map((text) => Buffer.from(text)), fc.string().map((text) => Buffer.from(text))), fc.string(), (bytes, type) => {
        for (const contentType of [undefined, "application/json", type]) {
          expect(refusal(incoming(bytes, { contentType })).code).toMatch(/^MESSAGE_/);
          expect(addressOf(incoming(bytes, { contentType }))).toBeUndefined();
        }
      }), // prettier-ignore
    );
  });

  test("what a client publishes is what a node reads", () => {
    const request = fc.record(
      {
        v: fc.constant(1 as const),
        task: fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/),
        taskId: fc.constant(TASK_ID),
        clientId: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/),
        // A key "__proto__" is dropped, which is meant.
        params: fc.dictionary(
          fc.string().filter((name) => name !== "__proto__"),
          fc.jsonValue(),
          { noNullPrototype: true },
        ),
        reqId: fc.string({ maxLength: 200 }),
        deadlineS: fc.integer({ min: 1, max: 1000 }),
        correlationId: fc.string(),
      },
      { requiredKeys: ["v", "task", "taskId", "clientId", "params"] },
    );
    fc.assert(
      fc.property(request, (one) => {
        const message = requestMessage(SERVER, one);
        const read = parseRequest(delivered(message), SERVER);
        expect(read).toEqual(JSON.parse(JSON.stringify(one)));
        expect(message.routingKey).toBe(taskKey(SERVER, one.task));
      }),
    );
  });
});

describe("an event", () => {
  const identity = { task: "machine_boot", taskId: TASK_ID, clientId: "head1", reqId: "r", correlationId: "c" };
  const at = new Date("2026-01-01T00:00:00.000Z");
  const told = (event: TaskEvent) => eventMessage(identity, event, { server: SERVER, bootId: "b", seq: 3, at });

  test("has its name in the key and its number in the id", () => {
    const message = told({ kind: "step-start", step: "pull", description: "Pulling" });
    expect(message).toEqual({
      routingKey: `zonelet.${SERVER}.event.start:pull.head1.${TASK_ID}`,
      properties: {
        contentType: "application/json",
        messageId: `${TASK_ID}/3`,
        correlationId: "c",
        type: "machine_boot",
        appId: "zonelet",
        persistent: true,
      },
      body: {
        v: 1,
        task: "machine_boot",
        taskId: TASK_ID,
        reqId: "r",
        seq: 3,
        server: SERVER,
        bootId: "b",
        at: at.toISOString(),
        description: "Pulling",
      },
    });
    expect(parseEventKey(message.routingKey)).toEqual({ server: SERVER, event: "start:pull", client: "head1", taskId: TASK_ID }); // prettier-ignore
  });

  const error = { class: "Internal", code: "INTERNAL", message: "m", retryable: false } as const;
  test.each<[TaskEvent, string, object]>([
    [{ kind: "accepted", position: 2 }, "accepted", { position: 2 }],
    [{ kind: "start" }, "start", {}],
    [{ kind: "progress", percent: 100 }, "progress", { percent: 99 }],
    [{ kind: "alive", elapsedS: 15, step: "pull" }, "progress", { elapsedS: 15, step: "pull" }],
    [{ kind: "step-end", step: "pull" }, "end:pull", {}],
    [{ kind: "finish", status: "ok", result: { a: 1 } }, "finish", { status: "ok", percent: 100, result: { a: 1 } }],
    [{ kind: "finish", status: "failed", error }, "finish", { status: "failed", error }],
  ])("%j", (event, name, body) => {
    const message = told(event);
    expect(parseEventKey(message.routingKey)?.event).toBe(name);
    expect(message.body).toMatchObject(body);
    if (event.kind === "finish" && event.status !== "ok") expect(message.body).not.toHaveProperty("percent");
  });

  test("is read by a client as it was told", () => {
    const finish = delivered(told({ kind: "finish", status: "failed", error, result: { vm: 1 } }));
    expect(parseEvent(finish)).toMatchObject({ name: "finish", clientId: "head1", seq: 3, status: "failed", error, result: { vm: 1 } }); // prettier-ignore
    const kinds = fc.constantFrom<TaskEvent>(
      { kind: "accepted", position: 0 },
      { kind: "start" },
      { kind: "progress", percent: 7 },
      { kind: "alive", elapsedS: 15 },
      { kind: "step-start", step: "pull", description: "Pulling" },
      { kind: "finish", status: "ok", result: null },
    );
    fc.assert(
      fc.property(kinds, fc.integer({ min: 1, max: 1e6 }), (event, seq) => {
        const message = eventMessage(identity, event, { server: SERVER, bootId: "b", seq, at });
        const { name, clientId, ...body } = parseEvent(delivered(message));
        expect(body).toEqual(message.body);
        expect(message.routingKey).toBe(`zonelet.${SERVER}.event.${name}.${clientId}.${TASK_ID}`);
      }),
    );
  });

  test.each<[string, Partial<IncomingMessage> & { body?: unknown }, string]>([
    ["another key", { routingKey: key }, "MESSAGE_MISROUTED"],
    ["another task's key", { routingKey: `zonelet.${SERVER}.event.start.head1.x` }, "MESSAGE_MISROUTED"],
    ["no JSON", { bytes: Buffer.from("{") }, "MESSAGE_INVALID"],
    [
      "a finish that does not tell how",
      { routingKey: `zonelet.${SERVER}.event.finish.head1.${TASK_ID}` },
      "MESSAGE_INVALID",
    ],
  ])("with %s is refused by a client", (_, more, code) => {
    const message = { ...delivered(told({ kind: "start" })), ...more };
    expect(() => parseEvent(message)).toThrow(expect.objectContaining({ code }));
  });

  test("from any bytes is a typed error", () => {
    const { routingKey } = told({ kind: "start" });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (bytes) => {
          expect(() => parseEvent({ routingKey, bytes })).toThrow(AgentError);
          expect(() => parseControl({ routingKey: controlKey(SERVER), bytes }, SERVER)).toThrow(AgentError);
        },
      ),
    );
  });

  test("stays small, however much there is to say", () => {
    const huge = "x".repeat(MAX_EVENT_BYTES);
    const details = { platform: `first ${huge} last`, list: [huge] };
    const failed = told({ kind: "finish", status: "failed", error: { ...error, message: huge, details } });
    const done = told({ kind: "finish", status: "ok", result: { huge } });
    for (const { body } of [failed, done])
      expect(Buffer.byteLength(JSON.stringify(body))).toBeLessThanOrEqual(MAX_EVENT_BYTES);
    expect(done.body).toMatchObject({ status: "ok", omittedBytes: MAX_EVENT_BYTES + '{"huge":""}'.length });
    const clipped = told({
      kind: "finish",
      status: "failed",
      error: { ...error, details: { platform: details.platform } },
    });
    expect(JSON.stringify(clipped.body)).toMatch(/first x+\\n… \d+ characters …\\nx+ last/);
  });
});

describe("control", () => {
  const head = { v: 1, id: TASK_ID, clientId: "head1" } as const;
  test.each<[ControlRequest, string]>([
    [{ ...head, verb: "ping" }, "pong"],
    [{ ...head, verb: "cancel", taskId: OTHER }, "cancel-answer"],
    [{ ...head, verb: "query", taskId: OTHER }, "query-answer"],
  ])("%j is read as it was sent, and answered to its sender", (request, name) => {
    expect(parseControl(delivered(controlMessage(SERVER, request)), SERVER)).toEqual(request);
    const answer = controlAnswer(SERVER, request, { v: 7, lanes: 2 });
    expect(answer.body).toEqual({ v: 1, id: TASK_ID, server: SERVER, lanes: 2 });
    expect(parseEventKey(answer.routingKey)).toEqual({ server: SERVER, event: name, client: "head1", taskId: TASK_ID });
    expect(matchesTopic(clientBinding("head1"), answer.routingKey)).toBe(true);
  });

  test.each([
    ["an unknown verb", { ...head, verb: "reboot" }, SERVER, "MESSAGE_INVALID"],
    ["a cancel of nothing", { ...head, verb: "cancel" }, SERVER, "MESSAGE_INVALID"],
    ["another version", { ...head, v: 2, verb: "ping" }, SERVER, "MESSAGE_INVALID"],
    ["another server", { ...head, verb: "ping" }, OTHER, "MESSAGE_MISROUTED"],
  ])("%s is refused", (_, body, server, code) => {
    const message = incoming(body, { routingKey: controlKey(server) });
    expect(() => parseControl(message, SERVER)).toThrow(expect.objectContaining({ code }));
  });
});

describe("topology", () => {
  test("requests, control and events find their queues and nobody else's", () => {
    const [tasks, control] = nodeQueues(SERVER, "quorum");
    const routed = (key: string): (string | undefined)[] =>
      [tasks, control]
        .filter((queue) => queue?.bindings.some((one) => matchesTopic(one, key)))
        .map((queue) => queue?.name);
    expect(routed(key)).toEqual([`zonelet.${SERVER}.tasks`]);
    expect(routed(controlKey(SERVER))).toEqual([`zonelet.${SERVER}.control`]);
    expect(routed(taskKey(OTHER, "machine_boot"))).toEqual([]);
    expect(tasks).toMatchObject({ durable: true, exclusive: false, autoDelete: false });
    const finish = `zonelet.${SERVER}.event.finish.head1.${TASK_ID}`;
    expect(matchesTopic(clientBinding("head1"), finish)).toBe(true);
    expect(matchesTopic(clientBinding("head2"), finish)).toBe(false);
    expect(parseEventKey(statusKey(SERVER, "snapshot"))).toBeUndefined();
  });

  test("a node whose queues are made for it may configure nothing", () => {
    const { configure, write } = nodePermissions(SERVER, { declares: false });
    expect(new RegExp(configure).test(`zonelet.${SERVER}.tasks`)).toBe(false);
    for (const exchange of ["", "amq.default", "amqXtopic", `zonelet.${OTHER}.tasks`])
      expect(new RegExp(write).test(exchange)).toBe(false);
    expect(() => nodePermissions(".*", { declares: true })).toThrow(AgentError);
  });

  test("topic matching agrees with its definition", () => {
    const word = fc.constantFrom("a", "b", "");
    const pattern = fc.array(fc.constantFrom("a", "b", "*", "#"), { maxLength: 6 });
    const slow = (wanted: readonly string[], given: readonly string[]): boolean => {
      const [first, ...rest] = wanted;
      if (first === undefined) return given.length === 0;
      if (first === "#") return slow(rest, given) || (given.length > 0 && slow(wanted, given.slice(1)));
      return given.length > 0 && (first === "*" || first === given[0]) && slow(rest, given.slice(1));
    };
    fc.assert(
      fc.property(pattern, fc.array(word, { minLength: 2, maxLength: 6 }), (wanted, given) => {
        expect(matchesTopic(wanted.join("."), given.join("."))).toBe(slow(wanted, given));
      }),
    );
    expect(matchesTopic("#", "")).toBe(true);
    expect(matchesTopic("*", "")).toBe(false);
    expect(matchesTopic("#.#.#.#.#.#.#.#.#.#.b", Array.from({ length: 120 }, () => "a").join("."))).toBe(false);
  });
});
