// The predecessors' dialect beyond its vectors: hostile input, and what holds whatever a task does.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dialectEvents, NEW_TRACE } from "../../agent/amqp/dialect/events.ts";
import { CYCLE_S, FIRST_STATE, heartbeat, MAX_AGE_S, type HeartbeatEvent } from "../../agent/amqp/dialect/heartbeat.ts";
import { provisionerQueue, wireId } from "../../agent/amqp/dialect/keys.ts";
import { pong } from "../../agent/amqp/dialect/ping.ts";
import { parseDialectRequest, toTaskRequest } from "../../agent/amqp/dialect/request.ts";
import { SHOW_TASKS, showTasks } from "../../agent/amqp/dialect/show-tasks.ts";
import { announcesSysinfo, readUrMessage, SYSINFO_INTERVAL_S, urReply } from "../../agent/amqp/dialect/ur.ts";
import { parseRequest, requestMessage, type IncomingMessage } from "../../agent/amqp/envelope.ts";
import { SILENT_AFTER_MS, serverStatus } from "../../agent/amqp/head/server-record.ts";
import { matchesTopic } from "../../agent/amqp/routing.ts";
import { describeNode } from "../../agent/amqp/status/node-description.ts";
import { heartbeatBody } from "../../agent/amqp/status/status-body.ts";
import { TERMINAL_STATUSES, type TaskEvent } from "../../agent/amqp/task-event.ts";
import { AgentError } from "../../agent/errors/agent-error.ts";

const SERVER = "564dba97-54f6-4d3d-50d4-fe51cb228cc8";
const MAC = "00:50:56:34:60:4c";
const AT = new Date("2026-01-01T00:00:00.000Z");
const key = `provisioner.${SERVER}.task.machine_boot`;
const request = { task: "machine_boot", clientId: "5699633f", taskId: "1", reqId: "r" };

function incoming(body: unknown, routingKey = key): IncomingMessage {
  const bytes = body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
  return { routingKey, contentType: "application/json", bytes };
}

function codeOf(read: () => unknown): string {
  try {
    read();
    return "read";
  } catch (error) {
    if (error instanceof AgentError) return error.code;
    throw error;
  }
}

describe("a request", () => {
  test("keeps its parameters and loses its envelope, in v1, too", () => {
    const body = { uuid: SERVER, task: "machine_boot", jobid: "j", req_id: "r", client_id: "ab", task_id: "1", x: [1] };
    const read = parseDialectRequest(incoming(body), SERVER);
    expect(read).toEqual({ task: "machine_boot", clientId: "ab", taskId: "1", reqId: "r", params: { uuid: SERVER, x: [1] } }); // prettier-ignore
    const again = requestMessage(SERVER, toTaskRequest(read));
    const taken = parseRequest(incoming(again.body, again.routingKey), SERVER);
    expect(taken).toMatchObject({ task: "machine_boot", clientId: "ab", reqId: "r", params: read.params });
  });

  test("is the same task when it comes again, and another one from another client", () => {
    const id = (clientId: string, taskId: string): string => toTaskRequest({ ...request, clientId, taskId, params: {} }).taskId; // prettier-ignore
    expect(id("ab", "1")).toBe(id("ab", "1"));
    expect(new Set([id("ab", "1"), id("ab", "11"), id("a", "b1"), id("abc", "1")]).size).toBe(4);
  });

  test.each([
    ["of another server", {}, `provisioner.${MAC}.task.nop`, "MESSAGE_MISROUTED"],
    ["of no task", {}, `provisioner.${SERVER}.task`, "MESSAGE_MISROUTED"],
    ["with ids that are patterns", { client_id: "*", task_id: "#" }, key, "MESSAGE_INVALID"],
    ["with ids that add words", { client_id: "a.b", task_id: "1" }, key, "MESSAGE_INVALID"],
    ["that is a list", [], key, "MESSAGE_INVALID"],
    ["that is null", null, key, "MESSAGE_INVALID"],
  ])("%s is refused", (_, body, to, code) => expect(codeOf(() => parseDialectRequest(incoming(body, to), SERVER))).toBe(code)); // prettier-ignore

  test("any bytes are refused with a typed error", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        fc.string(),
        (bytes, to) => {
          for (const routingKey of [key, to])
            expect(codeOf(() => parseDialectRequest(incoming(bytes, routingKey), SERVER))).toMatch(/^MESSAGE_/);
        },
      ),
    );
  });

  test("an unknown task finds the queue, so that it is answered", () => {
    const queue = provisionerQueue(SERVER, "classic");
    expect(queue).toMatchObject({ durable: true, autoDelete: false });
    expect(queue.bindings.some((one) => matchesTopic(one, `provisioner.${SERVER}.task.machine_teleport`))).toBe(true);
  });

  test("ids are hex without padding", () => {
    expect([0, 255, 0xffff_ffff].map(wireId)).toEqual(["0", "ff", "ffffffff"]);
    for (const wrong of [-1, 0.5, 2 ** 32, Number.NaN]) expect(() => wireId(wrong)).toThrow(RangeError);
  });
});

const error = { class: "Internal", code: "INTERNAL", message: "m", retryable: false } as const;
const steps = fc.constantFrom("pre_check", "fetch_dataset", "create_machine", "other");
const events: fc.Arbitrary<TaskEvent> = fc.oneof(
  fc.constant({ kind: "start" } as const),
  fc.record({ kind: fc.constant("accepted" as const), position: fc.nat() }),
  fc.record({ kind: fc.constant("progress" as const), percent: fc.double() }),
  fc.record({ kind: fc.constant("step-start" as const), step: steps, description: fc.string() }),
  fc.record({ kind: fc.constant("step-end" as const), step: steps }),
  fc.record({ kind: fc.constant("alive" as const), elapsedS: fc.nat() }),
  fc.record({ kind: fc.constant("finish" as const), status: fc.constant("ok" as const), result: fc.jsonValue() }),
  ...TERMINAL_STATUSES.filter((status) => status !== "ok").map((status) =>
    fc.constant({ kind: "finish", status, error } as const),
  ),
);

test("whatever happens to a task: progress never falls, one finish, last; an error before it exactly where it failed", () => {
  fc.assert(
    fc.property(fc.array(events, { maxLength: 12 }), fc.constantFrom("machine_create", "machine_load", "x"), (list, task) => {
      let trace = NEW_TRACE;
      const told = list.flatMap((event) => {
        const step = dialectEvents({ ...request, task }, SERVER, trace, event, AT);
        trace = step.trace;
        return step.messages.map(({ routingKey, body }) => ({ name: routingKey.split(".")[3] ?? "", body }));
      });
      const names = told.map(({ name }) => name);
      const end = list.find((event) => event.kind === "finish");
      expect(names.filter((name) => name === "finish")).toHaveLength(end === undefined ? 0 : 1);
      if (end !== undefined) expect(names.at(-1)).toBe("finish");
      expect(names.includes("error")).toBe(end !== undefined && end.status !== "ok");
      const values = told.filter(({ name }) => name === "progress").map(({ body }) => JSON.stringify(body));
      const numbers = values.map((text) => Number(/\d+/.exec(text)?.[0]));
      expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
      expect(names.filter((name) => name === "start").length).toBeLessThanOrEqual(1);
    }), // prettier-ignore
  );
});

describe("Ur", () => {
  const node = { server: SERVER, adminMac: MAC };
  const read = (body: unknown, to = `ur.execute.${SERVER}.77aa`) => readUrMessage(to, body, node);

  test("runs what is on the list, as it stands there", () => {
    expect(read({ type: "file", file: "/usr/bin/sysinfo" })).toEqual({ kind: "command", replyId: "77aa", file: "/usr/bin/sysinfo", args: [] }); // prettier-ignore
    expect(read({ type: "file", file: "/usr/bin/uname", args: ["-a"] })).toMatchObject({ kind: "command" });
  });

  test.each([
    ["a script", { type: "script", script: "#!/bin/sh\nid\n" }],
    ["another file", { type: "file", file: "/usr/bin/id" }],
    ["a key of every object", { type: "file", file: "constructor" }],
    ["other arguments", { type: "file", file: "/usr/bin/sysinfo", args: ["-f", "; id"] }],
    ["too few arguments", { type: "file", file: "/usr/bin/uname" }],
    ["nothing", undefined],
    ["no arguments' list", { type: "file", file: "/usr/bin/sysinfo", args: "x" }],
  ])("refuses %s, and says so", (_, body) => {
    const asked = read(body);
    expect(asked).toMatchObject({ kind: "refused", reply: { exit_status: 126, stdout: "" } });
  });

  test("does not listen to what is for others", () => {
    const body = { type: "file", file: "/usr/bin/sysinfo" };
    for (const to of [
      `ur.execute.${SERVER}-aa:bb.1`,
      "ur.execute.other.1",
      "ur.broadcast.reboot.1",
      `ur.execute.${SERVER}.*`,
    ])
      expect(read(body, to).kind).toBe("ignored");
    expect(read({}, "ur.broadcast.sysinfo.1").kind).toBe("sysinfo");
  });

  test("any key and body are understood or refused", () => {
    fc.assert(
      fc.property(fc.string(), fc.anything(), (id, body) => {
        expect(["refused", "ignored"]).toContain(read(body, `ur.execute.${SERVER}.${id}`).kind);
        expect(read(body, id).kind).toBe("ignored");
      }),
    );
  });

  test("always answers with a number and two texts", () => {
    expect(urReply({ spawnError: "ENOENT" })).toMatchObject({ exit_status: 127, stdout: "" });
    expect(urReply({ signal: "SIGTERM", stdout: "o", stderr: "e" })).toMatchObject({ exit_status: 143, stdout: "o" });
    expect(urReply({ exit: 113, stdout: "", stderr: "" })).toMatchObject({ exit_status: 0, reboot: true });
  });

  test.each([
    [undefined, undefined, true],
    [undefined, '{"complete": false}', true],
    [undefined, "{", true],
    [undefined, '{"complete": true}', false],
    ['{"complete": false}', undefined, false],
  ])("a node with %s at start and %s now announces itself again: %s", (atStart, now, again) => {
    expect(announcesSysinfo({ atStart, now })).toBe(again);
    expect(SYSINFO_INTERVAL_S).toBe(60);
  });
});

test("a ping from nobody is not answered", () => {
  for (const body of [null, {}, { client_id: "a.b", id: "1" }, { client_id: "#", id: "1" }, "x"])
    expect(pong("provisioner", SERVER, body, AT)).toBeUndefined();
});

test("the list of tasks hides what may be secret, and is no longer than a hundred", () => {
  const shown = {
    clientId: "a",
    taskId: "1",
    reqId: "r",
    startedAt: AT,
    finishedAt: undefined,
    failed: false,
    events: [],
  };
  const tasks = [
    ...Array.from({ length: 120 }, () => ({ ...shown, task: "nop", params: {} })),
    { ...shown, task: "machine_create", params: { alias: "web", internal_metadata: { root_pw: "hunter2" } } },
    { ...shown, task: "never_heard_of", params: { token: "hunter2" } },
  ];
  const { body, routingKey } = showTasks(SERVER, { clientId: "b", taskId: "2", reqId: undefined }, tasks, {
    at: AT,
    pid: 1,
  });
  const text = JSON.stringify(body);
  expect(text).not.toContain("hunter2");
  expect(text).toContain('"alias":"web"');
  expect(text.split('"started_at"')).toHaveLength(101);
  expect(routingKey).toBe(`provisioner.${SERVER}.event.finish.b.2`);
  expect(SHOW_TASKS).toBe("show_tasks");
});

describe("heartbeats", () => {
  const facts = {
    zones: [],
    pools: new Map(),
    datasets: new Map(),
    installedImages: new Set<string>(),
    memory: { availableBytes: 1, arcBytes: 1, totalBytes: 1 },
    bootedAt: AT,
  };

  test("any order of happenings: one sample at a time, each told as news exactly once unless asked for", () => {
    const happening = fc.constantFrom("cycle", "changed", "done", "failed");
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), (list) => {
        const run = { state: FIRST_STATE, sampling: false, samples: 0, news: 0, beats: 0 };
        const step = (event: HeartbeatEvent): void => {
          const next = heartbeat(SERVER, run.state, event);
          expect(next.sample && run.sampling).toBe(false);
          run.sampling ||= next.sample;
          run.state = next.state;
          run.news += next.messages.filter(({ routingKey }) => routingKey.startsWith("zone-event.")).length;
          run.beats += next.messages.filter(({ routingKey }) => routingKey.startsWith("heartbeat.")).length;
        };
        for (const what of list) {
          if (what === "cycle" || what === "changed") step({ kind: what });
          else if (run.sampling) {
            run.sampling = false;
            if (what === "done")
              step({ kind: "sampled", body: heartbeatBody({ ...facts, at: new Date(++run.samples) }) });
            else step({ kind: "sampling-failed" });
          }
        }
        expect(run.news).toBeLessThanOrEqual(run.samples);
        expect(run.beats).toBeLessThanOrEqual(list.filter((what) => what === "cycle").length);
        if (!run.sampling) {
          step({ kind: "cycle" });
          expect(run.state.fresh).toBe(false);
        }
      }),
    );
  });

  test("a failed sample is tried again by the next cycle", () => {
    const first = heartbeat(SERVER, FIRST_STATE, { kind: "cycle" });
    const failed = heartbeat(SERVER, first.state, { kind: "sampling-failed" });
    expect([first.sample, heartbeat(SERVER, failed.state, { kind: "cycle" }).sample]).toEqual([true, true]);
  });

  test("a server is unknown when two cycles have passed without one", () => {
    expect(SILENT_AFTER_MS).toBe(2 * CYCLE_S * 1000);
    expect(MAX_AGE_S).toBeGreaterThan(CYCLE_S);
    const at = (ms: number): Date => new Date(AT.getTime() + ms);
    expect(serverStatus(AT, at(SILENT_AFTER_MS - 1))).toBe("running");
    expect(serverStatus(AT, at(SILENT_AFTER_MS))).toBe("unknown");
    expect(serverStatus(undefined, AT)).toBe("unknown");
  });
});

test("a sysinfo of any form is described or is none", () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      describeNode(value);
      describeNode({ "Network Interfaces": value, "Boot Time": value, Setup: value, "Boot Parameters": value });
    }),
  );
  expect(describeNode({ "Boot Time": "999999999999999" })?.record).toEqual({ headnode: false, setup: false });
  expect(describeNode([])).toBeUndefined();
});
