// Events: what the platform's changes become, and that a reader sees each of them once, in order, whatever happens.
import { appendFileSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { EventBus } from "../../agent/events/bus.ts";
import { draftEvent, type Envelope } from "../../agent/events/envelope.ts";
import { createEvents, type Events } from "../../agent/events/events.ts";
import { createHistory, type History } from "../../agent/events/history.ts";
import { dockerMessages, eventLine } from "../../agent/events/render.ts";
import { applyEvent, planEvents, planZone, type TrackedZone } from "../../agent/events/zone-tracker.ts";
import { hostPaths } from "../../agent/host/paths.ts";
import { createLogger } from "../../agent/log/logger.ts";
import type { VmEvent, VmObject } from "../../agent/vmadm/schema.ts";
import { identifierFault } from "../../agent/util/identifiers.ts";
import { aVm } from "../support/builders.ts";
import { eventually } from "../support/eventually.ts";

const NOW = new Date("2026-11-20T23:21:30.270Z");
const ours = { "zonelet:version": "1", "zonelet:image": "nginx:1.27", "docker:id": "a".repeat(64) };
const log = createLogger({ level: "silent", destination: process.stderr });

function zone(overrides: Record<string, unknown> = {}): VmObject {
  return aVm({
    alias: "web",
    state: "stopped",
    internal_metadata: ours,
    exit_status: undefined,
    exit_timestamp: undefined,
    ...overrides,
  });
}
const running = (more: Record<string, unknown> = {}): VmObject =>
  zone({ state: "running", boot_timestamp: "2026-11-20T23:00:00.000Z", pid: 411, ...more });
const exited = (more: Record<string, unknown> = {}): VmObject =>
  zone({ exit_status: -9, exit_timestamp: "2026-11-20T23:10:00.169Z", ...more });

/** Topics of the events that lead through the states, one list per state. */
function topics(...states: readonly VmObject[]): string[][] {
  const zones = new Map<string, TrackedZone>();
  return states.map((vm) => {
    const drafts = planZone(zones.get(vm.uuid), vm, { now: NOW, synthesized: false });
    for (const draft of drafts) applyEvent(zones, draft);
    expect(planZone(zones.get(vm.uuid), vm, { now: NOW, synthesized: false }), "a second look tells nothing").toEqual(
      [],
    );
    return drafts.map((draft) => draft.topic);
  });
}

const MADE = ["/snapshot/prepare", "/containers/create"];
const STARTED = ["/tasks/create", "/tasks/start"];
const ENDED = ["/tasks/exit", "/tasks/delete"];

const upTo = (first: number, last: number): number[] => Array.from({ length: last - first + 1 }, (_, i) => first + i);

describe("from zones to events", () => {
  test.each<[string, VmObject[], string[][]]>([
    ["a container's life", [zone(), running(), exited()], [MADE, STARTED, ENDED]],
    [
      "a zone being made is told when it is whole",
      [zone({ state: "provisioning", internal_metadata: {} }), zone()],
      [[], MADE],
    ],
    [
      "on the way down nothing is told yet",
      [running(), zone({ state: "shutting_down" }), exited()],
      [[...MADE, ...STARTED], [], ENDED],
    ],
    ["stopped, but the exit is not known yet", [running(), zone(), exited()], [[...MADE, ...STARTED], [], ENDED]],
    [
      "a restart between two looks",
      [running(), running({ boot_timestamp: "2026-11-20T23:05:00.000Z" })],
      [
        [...MADE, ...STARTED],
        [...ENDED, ...STARTED],
      ],
    ],
    ["it ran and ended between two looks", [zone(), exited()], [MADE, [...STARTED, ...ENDED]]],
    [
      "an end before we knew the zone is not told",
      [exited(), running(), exited({ exit_timestamp: "2026-11-20T23:20:00.000Z" })],
      [MADE, STARTED, ENDED],
    ],
    [
      "an old exit is not the end of a new run",
      [exited(), running(), zone({ exit_status: -9, exit_timestamp: "2026-11-20T23:10:00.169Z" })],
      [MADE, STARTED, []],
    ],
    ["a zone given up", [zone(), zone({ state: "failed" })], [MADE, ["/zones/failed"]]],
    [
      "given up while it ran",
      [running(), zone({ state: "failed" })],
      [
        [...MADE, ...STARTED],
        [...ENDED, "/zones/failed"],
      ],
    ],
    [
      "labels and limits",
      [
        zone(),
        zone({ tags: { "docker:label:app": "shop" } }),
        zone({ tags: { "docker:label:app": "shop" }, cpu_cap: 50 }),
      ],
      [MADE, ["/containers/update"], ["/containers/update"]],
    ],
    [
      "bookkeeping is not told",
      [zone(), zone({ last_modified: "x", internal_metadata: { ...ours, "docker:restartcount": 3 } })],
      [MADE, []],
    ],
    ["metadata goes before the zone does", [zone(), zone({ internal_metadata: {} })], [MADE, []]],
    [
      "snapshots",
      [zone(), zone({ snapshots: [{ name: "a" }] }), zone({ snapshots: [{ name: "b" }] })],
      [MADE, ["/snapshot/commit"], ["/snapshot/remove", "/snapshot/commit"]],
    ],
    ["another brand is no container", [zone({ brand: "kvm" })], [[]]],
  ])("%s", (_, states, expected) => {
    expect(topics(...states)).toEqual(expected);
  });

  test("a resync tells what went missing, and which zones are gone", () => {
    const zones = new Map<string, TrackedZone>();
    for (const draft of planZone(undefined, running(), { now: NOW, synthesized: false })) applyEvent(zones, draft);
    const ready: VmEvent = { type: "ready", date: "", uuid: "", vms: {} };
    const drafts = planEvents(zones, ready, NOW);
    expect(drafts.map((d) => d.topic)).toEqual([...ENDED, "/snapshot/remove", "/containers/delete", "/agent/resync"]);
    expect(drafts[0]).toMatchObject({ synthesized: true, event: { exit_status: 255, pid: 411 } });
  });

  test("namespaces: a label, the default, and zones of others", () => {
    const namespaceOf = (vm: VmObject): string | undefined =>
      planZone(undefined, vm, { now: NOW, synthesized: false })[0]?.namespace;
    expect(namespaceOf(zone())).toBe("default");
    expect(namespaceOf(zone({ tags: { "docker:label:zonelet.namespace": "batch" } }))).toBe("batch");
    expect(namespaceOf(zone({ tags: { "docker:label:zonelet.namespace": "../x" } }))).toBe("default");
    expect(namespaceOf(zone({ internal_metadata: {} }))).toBe("unmanaged");
  });

  test("any sequence of states: create ≤ start ≤ exit ≤ delete, and a history without a gap can go on anywhere", () => {
    const states = fc.constantFrom(
      zone(), running(), running({ boot_timestamp: "2026-11-20T23:30:00.000Z" }), exited(),
      exited({ exit_timestamp: "2026-11-20T23:40:00.000Z", exit_status: 3 }), zone({ state: "failed" }), zone({ state: "down" }),
      zone({ snapshots: [{ name: "a" }] }), zone({ internal_metadata: {} }), undefined,
    ); // prettier-ignore
    fc.assert(
      fc.property(fc.array(states, { maxLength: 12 }), fc.nat(), (list, cut) => {
        const zones = new Map<string, TrackedZone>();
        const told: string[] = [];
        for (const vm of list) {
          const event: VmEvent = vm
            ? { type: "modify", date: "", zonename: vm.uuid, uuid: vm.uuid, vm, changes: [] }
            : { type: "delete", date: "", zonename: zone().uuid, uuid: zone().uuid };
          const drafts = planEvents(zones, event, NOW);
          // Death after any of the events: what was told is enough to tell the rest, and nothing twice.
          const kept = drafts.slice(0, cut % (drafts.length + 1));
          for (const draft of kept) applyEvent(zones, draft);
          const rest = planEvents(zones, event, NOW);
          for (const draft of rest) applyEvent(zones, draft);
          told.push(...kept.map((d) => d.topic), ...rest.map((d) => d.topic));
        }
        const count = (topic: string): number => told.filter((one) => one === topic).length;
        expect(count("/containers/delete")).toBeLessThanOrEqual(count("/containers/create"));
        let [made, up] = [false, false];
        for (const topic of told) {
          if (topic === "/containers/create") made = true;
          if (topic === "/containers/delete") [made, up] = [false, up];
          if (topic === "/tasks/start") {
            expect(made).toBe(true);
            up = true;
          }
          if (topic === "/tasks/delete") {
            expect(up).toBe(true);
            up = false;
          }
        }
      }),
    );
  });
});

describe("forms", () => {
  const exit: Envelope = {
    seq: 7,
    ...draftEvent("/tasks/exit", { container_id: "z", id: "z", pid: 411, exit_status: 130, exited_at: { seconds: 1795216900, nanos: 169000000 } }, {
      at: NOW,
      namespace: "default",
      actor: { id: "4f1c", name: "web", image: "nginx", labels: { app: "shop" } },
    }),
  }; // prettier-ignore

  test("containerd's line", () => {
    expect(eventLine(exit)).toBe(
      '2026-11-20 23:21:30.27 +0000 UTC default /tasks/exit {"container_id":"z","id":"z","pid":411,"exit_status":130,"exited_at":{"seconds":1795216900,"nanos":169000000}}',
    );
    expect(eventLine({ ...exit, timestamp: "2026-11-20T23:21:30.000Z", event: {} })).toMatch(/23:21:30 \+0000/);
  });

  test("Docker's message", () => {
    expect(dockerMessages(exit)).toEqual([
      {
        status: "die", id: "4f1c", from: "nginx", Type: "container", Action: "die", scope: "local",
        Actor: { ID: "4f1c", Attributes: { app: "shop", image: "nginx", name: "web", exitCode: "130" } },
        time: 1795216890, timeNano: 1795216890270000000,
      },
    ]); // prettier-ignore
  });

  test.each([
    "default",
    "containerd.io",
    "0912341234",
    "task.0.0123456789",
    "container.system-75-f19a.00",
    "underscores_are_allowed",
    "a".repeat(76),
  ])("identifier %s", (text) => expect(identifierFault(text)).toBeUndefined());
  test.each([
    "",
    ".foo..foo",
    "foo/foo",
    "foo/..",
    "foo..foo",
    "foo.-boo",
    "-foo.boo",
    "foo.boo-",
    "two__underscores",
    "zn--e9.org",
    "default--default",
    "a".repeat(77),
    "é",
    "a b",
  ])("no identifier: %j", (text) => expect(identifierFault(text)).toMatch(/^identifier /));
});

describe("history", () => {
  let directory: string;
  let history: History;
  const open = (limits = { segmentBytes: 2000, segments: 3 }): History =>
    createHistory(join(directory, "events"), join(directory, "lock"), log, limits);
  const draft = (n: number) => draftEvent("/agent/resync", { n }, { at: NOW, namespace: "default" });
  const numbers = async (from: number): Promise<number[]> => {
    const list: number[] = [];
    for await (const envelope of history.read(from)) list.push(envelope.seq);
    return list;
  };

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "zl-ev-"));
    history = open();
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  test("numbers rise without a gap, over segments and writers; old segments go", async () => {
    const other = open();
    for (let n = 0; n < 200; n++) await (n % 2 === 0 ? history : other).append([draft(n), draft(n)]);
    const { oldest, newest } = await history.range();
    expect(newest).toBe(400);
    expect(oldest).toBeGreaterThan(1);
    expect(readdirSync(join(directory, "events")).length).toBeLessThanOrEqual(4);
    expect(await numbers(0)).toEqual(upTo(oldest, 400));
    expect(await numbers(395)).toEqual(upTo(395, 400));
  });

  test("writers at once", async () => {
    await Promise.all(Array.from({ length: 20 }, (_, n) => (n % 2 ? history : open()).append([draft(n)])));
    expect(await numbers(0)).toEqual(upTo(1, 20));
  });

  test("what a killed writer left of a line is cut off, wherever it stopped", async () => {
    await history.append([draft(1), draft(2)]);
    const [file] = readdirSync(join(directory, "events"));
    const path = join(directory, "events", file ?? "");
    for (const rest of ['{"seq":3,"time', "{", '{"seq":3}']) {
      appendFileSync(path, rest);
      expect((await history.range()).newest).toBe(2);
      expect(await numbers(0)).toEqual([1, 2]);
    }
    await history.append([draft(3)]);
    expect(await numbers(0)).toEqual([1, 2, 3]);
    truncateSync(path, statSync(path).size - 5);
    await open().append([draft(3)]);
    expect(await numbers(0)).toEqual([1, 2, 3]);
  });

  test("its identity stays", async () => {
    expect(await history.instance()).toBe(await open().instance());
  });

  test("a reader gets each event once, what was and what comes, and is told what is not kept", async () => {
    for (let n = 0; n < 100; n++) await history.append([draft(n)]);
    const bus = new EventBus(history, 100);
    const stop = new AbortController();
    const seen: number[] = [];
    const reading = (async () => {
      for await (const envelope of bus.subscribe({ from: 1, signal: stop.signal })) seen.push(envelope.seq);
    })();
    for (let n = 100; n < 150; n++) {
      bus.publish(await history.append([draft(n)]));
      if (n % 7 === 0) await setImmediate();
    }
    await eventually(() => seen.at(-1) === 150, { within: 5000, what: "the last event" });
    stop.abort();
    await reading;
    const [marker, first = 0] = seen;
    expect(marker).toBe(0);
    expect(seen.slice(1)).toEqual(upTo(first, 150));
    expect(bus.readerCount).toBe(0);
  });

  test("a slow reader loses the oldest and is told how many; others lose nothing", async () => {
    const bus = new EventBus(history, 0);
    const stop = new AbortController();
    const collect = async (options: object, into: Envelope[], pause: () => Promise<unknown>): Promise<void> => {
      for await (const envelope of bus.subscribe({ ...options, signal: stop.signal })) {
        into.push(envelope);
        await pause();
      }
    };
    const gate = Promise.withResolvers<undefined>();
    const [slow, quick]: [Envelope[], Envelope[]] = [[], []];
    const readers = [
      collect({ capacity: 10 }, slow, () => gate.promise),
      collect({ capacity: 10 }, quick, () => Promise.resolve()),
    ];
    await setImmediate();
    for (let n = 1; n <= 50; n++) {
      bus.publish([{ seq: n, ...draft(n) }]);
      await setImmediate();
    }
    gate.resolve(undefined);
    await eventually(() => slow.at(-1)?.seq === 50 && quick.at(-1)?.seq === 50, {
      within: 5000,
      what: "both at the end",
    });
    stop.abort();
    await Promise.all(readers);
    expect(quick.map((e) => e.seq)).toEqual(upTo(1, 50));
    expect(slow.map((e) => e.seq)).toEqual([1, 0, ...upTo(41, 50)]);
    expect(slow[1]).toMatchObject({ topic: "/agent/dropped", event: { count: 39 } });
  });

  test("until ends a stream, and a filter narrows it", async () => {
    await history.append([draft(1), draft(2), draft(3)]);
    const bus = new EventBus(history, 3);
    const seen: number[] = [];
    for await (const e of bus.subscribe({ from: 1, until: new Date(), matches: (one) => one.event["n"] !== 2 }))
      seen.push(e.seq);
    expect(seen).toEqual([1, 3]);
  });
});

describe("feeding", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "zl-ev-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  /** A platform whose state is set from outside; each stream begins with all of it. */
  class Platform {
    vms: VmObject[] = [];
    private readonly streams = new Set<VmEvent[]>();
    private generation = 0;
    /** Everything that was set has been taken. */
    get drained(): boolean {
      return [...this.streams].every((stream) => stream.length === 0);
    }
    /** Every stream ends; what it had not told is lost. */
    lose(): void {
      this.generation++;
    }
    set(...vms: VmObject[]): void {
      this.vms = vms;
      for (const stream of this.streams)
        for (const vm of vms)
          stream.push({ type: "modify", date: "", zonename: vm.uuid, uuid: vm.uuid, vm, changes: [] });
    }
    /** As agent/vmadm does it: begun anew until the signal comes. */
    async *events(options?: { readonly signal?: AbortSignal }): AsyncGenerator<VmEvent> {
      while (!options?.signal?.aborted) yield* this.once(options);
    }
    private async *once(options?: { readonly signal?: AbortSignal }): AsyncGenerator<VmEvent> {
      const stream: VmEvent[] = [
        { type: "ready", date: "", uuid: "", vms: Object.fromEntries(this.vms.map((vm) => [vm.uuid, vm])) },
      ];
      this.streams.add(stream);
      const generation = this.generation;
      while (!options?.signal?.aborted && this.generation === generation) {
        const next = stream.shift();
        if (next) yield next;
        else await setImmediate();
      }
      this.streams.delete(stream);
    }
  }
  const make = (platform: Platform): Events => createEvents({ vmadm: platform, paths: hostPaths(directory), log });

  test("a reader with --since sees each event once over two lives of the feeder, and what happened between them", async () => {
    const platform = new Platform();
    platform.set(zone());
    for (const state of [running(), exited(), running({ boot_timestamp: "2026-11-20T23:50:00.000Z" })]) {
      const stop = new AbortController();
      const stream = await make(platform).follow(stop.signal);
      await stream.ready;
      platform.set(state);
      const before = stream.bus.lastNumber;
      await eventually(() => stream.bus.lastNumber > before, { within: 5000, what: "an event" });
      stop.abort();
      await stream.done;
      platform.vms = platform.vms.map((vm) => ({ ...vm, alias: "renamed" }));
    }
    const events = make(platform);
    const told: Envelope[] = [];
    for await (const envelope of events.history.read(0)) told.push(envelope);
    expect(told.map((e) => e.seq)).toEqual(told.map((_, i) => i + 1));
    expect(told.map((e) => e.topic).filter((topic) => topic !== "/agent/resync")).toEqual([
      ...MADE, ...STARTED, "/containers/update", "/containers/update", ...ENDED, "/containers/update", "/containers/update", ...STARTED,
    ]); // prettier-ignore
  });

  test("10,000 events over lost streams, a new feeder and a full history: each once, in order, and a gap is told", async () => {
    const platform = new Platform();
    platform.set(zone());
    const limits = { segmentBytes: 64 * 1024, segments: 12 };
    const seen: number[] = [];
    for (let life = 0; life < 4; life++) {
      const stop = new AbortController();
      const events = createEvents({ vmadm: platform, paths: hostPaths(directory), log, limits });
      const stream = await events.follow(stop.signal);
      const reading = (async () => {
        const from = (seen.at(-1) ?? 0) + 1;
        for await (const { seq } of stream.subscribe({ since: { seq: from }, signal: stop.signal })) seen.push(seq);
      })();
      await stream.ready;
      for (let n = 0; n < 3200; n++) {
        platform.set(zone({ cpu_cap: life * 3200 + n + 1 }));
        if (n % 100 === 0) await setImmediate();
        if (n % 1000 === 999) platform.lose(); // vminfod restarts: the stream ends and begins with all zones
      }
      const last = (): boolean => seen.at(-1) === stream.bus.lastNumber && platform.drained;
      await eventually(last, { within: 20_000, what: "the reader is at the end" });
      stop.abort();
      await Promise.all([stream.done, reading]);
    }
    expect(seen).not.toContain(0);
    expect(seen).toEqual(upTo(1, seen.length));
    expect(seen.length).toBeGreaterThan(10_000);
    const events = createEvents({ vmadm: platform, paths: hostPaths(directory), log, limits });
    const { oldest } = await events.history.range();
    expect(oldest).toBeGreaterThan(1);
    const stop = new AbortController();
    const late = await events.follow(stop.signal);
    const [marker, first] = [await late.subscribe({ since: { seq: 1 } }).next(), late.subscribe({ since: { seq: 1 } })];
    expect(marker.value).toMatchObject({ seq: 0, topic: "/agent/truncated", event: { asked: 1, oldest } });
    await first.next();
    expect((await first.next()).value).toMatchObject({ seq: oldest });
    stop.abort();
    await late.done;
  });

  test("the second process waits for the feeder's place and reads what the first one writes; notes of anybody reach both", async () => {
    const platform = new Platform();
    platform.set(zone());
    const stops = [new AbortController(), new AbortController()];
    const [first, second] = [make(platform), make(platform)];
    const streams = [await first.follow(stops[0]!.signal), await second.follow(stops[1]!.signal)];
    await Promise.all(streams.map((stream) => stream.ready));
    platform.set(running());
    await second.note("/images/create", { name: "nginx:1.27" });
    await eventually(() => streams.every((s) => s.bus.lastNumber === 6), { within: 5000, what: "six events at both" });
    stops[0]!.abort();
    await streams[0]!.done;
    platform.set(exited());
    await eventually(() => streams[1]!.bus.lastNumber >= 8, { within: 5000, what: "the second one feeds" });
    stops[1]!.abort();
    await streams[1]!.done;
  });
});
