// The typed vmadm client against scripts that behave as the reference says vmadm does, one trap at a time.
import { writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { newZoneUuid } from "../../agent/util/ids.ts";
import { createVmadmCli } from "../../agent/vmadm/cli.ts";
import { followEvents } from "../../agent/vmadm/events.ts";
import { zoneManifestSchema, type VmEvent, type VmObject, type ZoneManifest } from "../../agent/vmadm/schema.ts";
import { eventually, isAlive } from "../support/eventually.ts";
import { scriptedHost, type ScriptedHost } from "../support/scripted-host.ts";

const U = newZoneUuid();
let lab: ScriptedHost;
let logged: Record<string, unknown>[];
const log = pino(
  { level: "warn" },
  { write: (line: string) => void logged.push(JSON.parse(line) as Record<string, unknown>) },
);

beforeEach(async () => {
  lab = await scriptedHost();
  logged = [];
});
afterEach(() => lab[Symbol.asyncDispose]());

const vmadm = () => createVmadmCli(lab.host, log);

function aZone(more: Partial<VmObject> = {}): Record<string, unknown> {
  return {
    uuid: U,
    zonename: U,
    brand: "lx",
    state: "stopped",
    zone_state: "installed",
    zonepath: `/zones/${U}`,
    ...more,
  };
}

function aManifest(): ZoneManifest {
  return zoneManifestSchema.parse({
    uuid: U,
    brand: "lx",
    docker: true,
    autoboot: false,
    image_uuid: "2b683a82-a066-41e3-97ab-2faa44701c5a",
    kernel_version: "4.3.0",
    internal_metadata: { "docker:env": '["SECRET=1"]' },
  });
}

async function errorOf(promise: Promise<unknown>): Promise<AgentError> {
  const error: unknown = await promise.then(
    () => new Error("it succeeded"),
    (reason: unknown) => reason,
  );
  if (error instanceof AgentError) return error;
  throw error;
}

/** A vmadm whose `get` shows the object and whose other commands do what `body` says. */
async function withZone(zone: Record<string, unknown> | undefined, body: string): Promise<void> {
  await writeFile(join(lab.root, "zone.json"), zone === undefined ? "" : JSON.stringify(zone));
  const get =
    zone === undefined ? `echo "zoneadm: ${U}: No such zone configured" >&2; exit 1` : `exec cat "$ROOT/zone.json"`;
  await lab.script("vmadm", `echo "$@" >> "$LOG"\nif [ "$1" = get ]; then ${get}; fi\n${body}`);
}

describe("reading", () => {
  it("gets a zone, and undefined where there is none", async () => {
    await withZone(aZone({ alias: "web" }), "exit 9");
    expect(await vmadm().get(U)).toMatchObject({ uuid: U, alias: "web", tags: {} });
    await withZone(undefined, "exit 9");
    expect(await vmadm().get(U)).toBeUndefined();
  });

  it.each([
    ["no JSON", "Segmentation fault"],
    ["no zone", '{"uuid":1}'],
    ["nothing", ""],
  ])("refuses %s as a zone", async (_, output) => {
    await lab.script("vmadm", `printf '%s' '${output}'`);
    expect(await errorOf(vmadm().get(U))).toMatchObject({ code: "HOST_OUTPUT_INVALID" });
  });

  it("looks zones up with exact filters, skipping what it cannot read", async () => {
    await writeFile(join(lab.root, "list"), JSON.stringify([aZone(), { uuid: "odd" }, 7]));
    await lab.script("vmadm", 'echo "$@" >> "$LOG"; cat "$ROOT/list"');
    const zones = await vmadm().lookup({ "tags.app": "a b;$(x)", brand: "lx" });
    expect(zones.map((zone) => zone.uuid)).toEqual([U]);
    expect(await lab.log()).toEqual(["lookup -j tags.app=a b;$(x) brand=lx"]);
    expect(logged.map((record) => record["zone"])).toEqual(["odd", undefined]);
  });

  it.each([
    ["brand", "~x"],
    ["-o", "x"],
  ])("never asks for %s=%s", async (key, value) => {
    expect(await errorOf(vmadm().lookup({ [key]: value }))).toMatchObject({ code: "USAGE" });
  });

  it("stops waiting for a vmadm that hangs", async () => {
    await lab.script("vmadm", "exec sleep 30");
    expect(await errorOf(vmadm().get(U, { timeoutMs: 100 }))).toMatchObject({ code: "DEADLINE" });
  });

  it("tells when there is no vmadm", async () => {
    expect(await errorOf(vmadm().get(U))).toMatchObject({ code: "HOST_COMMAND_MISSING" });
  });

  it("stamps a request id and passes nothing else of our environment", async () => {
    await lab.script("vmadm", 'env | cut -d= -f1 | sort | tr "\\n" " " >> "$LOG"; echo >> "$LOG"; echo "[]"');
    await vmadm().lookup();
    expect(await lab.log()).toEqual(["LC_ALL LOG PATH PWD REQ_ID ROOT "]);
  });
});

describe("validate", () => {
  it("turns the failure object into a verdict, log records in between or not", async () => {
    await lab.script(
      "vmadm",
      `cat > /dev/null; cat >&2 <<'END'
{"name":"vmadm","level":20,"msg":"debug","v":0}
{
  "bad_values": [
    "nics.*.mtu"
  ],
  "bad_properties": [],
  "missing_properties": [
    "image_uuid"
  ]
}
END
exit 1`,
    );
    expect(await vmadm().validateCreate(aManifest())).toEqual({
      badValues: ["nics.*.mtu"],
      badProperties: [],
      missingProperties: ["image_uuid"],
    });
  });

  it("knows a bad brand, a good payload, and an error that is no verdict", async () => {
    await lab.script("vmadm", `cat > /dev/null; printf '{\\n  "bad_brand": "zzz"\\n}\\n' >&2; exit 1`);
    expect(await vmadm().validateUpdate("zzz", {})).toMatchObject({ badBrand: "zzz" });
    await lab.script("vmadm", `cat > /dev/null; echo "VALID 'create' payload for lx brand VMs." >&2`);
    expect(await vmadm().validateCreate(aManifest())).toBeUndefined();
    await lab.script("vmadm", `cat > /dev/null; echo "connect ECONNREFUSED" >&2; exit 1`);
    expect(await errorOf(vmadm().validateCreate(aManifest()))).toMatchObject({ code: "VMINFOD_UNAVAILABLE" });
  });
});

describe("changing", () => {
  it("gives the payload on stdin, never as an argument", async () => {
    await withZone(undefined, `cat > "$ROOT/payload"; echo "Successfully created VM ${U}" >&2`);
    await vmadm().create(aManifest());
    expect(await lab.log()).toEqual(["create"]);
    const { readFile } = await import("node:fs/promises");
    expect(JSON.parse(await readFile(join(lab.root, "payload"), "utf8"))).toEqual(aManifest());
  });

  it("takes already running and already stopped for success", async () => {
    await withZone(aZone(), `echo "Unable to start VM ${U}: VM ${U} is already 'running'" >&2`);
    await vmadm().start(U);
    await withZone(aZone(), `echo "VM ${U} is already not 'running' (currently: stopped)" >&2`);
    await vmadm().stop(U);
    await withZone(
      aZone(),
      `echo "first of 1 error: VM ${U} is already not 'running' (currently: stopped)" >&2; exit 1`,
    );
    await vmadm().stop(U, { force: true });
    expect(await lab.log()).toContain(`stop ${U} -F`);
  });

  it.each([
    [undefined, `stop ${U}`],
    [0, `stop ${U} -t 1`],
    [2.5, `stop ${U} -t 3`],
  ])("stops with timeoutS %s as %s", async (timeoutS, argv) => {
    await withZone(aZone(), "exit 0");
    await vmadm().stop(U, timeoutS === undefined ? {} : { timeoutS });
    expect(await lab.log()).toEqual([argv]);
  });

  it("does not believe a stop that stopped nothing", async () => {
    const words = `echo "VM ${U} is already not 'running' (currently: failed)" >&2`;
    await withZone(aZone({ state: "failed", zone_state: "running" }), words);
    expect(await errorOf(vmadm().stop(U))).toMatchObject({ code: "ZONE_STATE", hint: "stop it by force" });
    await withZone(aZone({ state: "failed", zone_state: "installed" }), words);
    await vmadm().stop(U);
  });

  it("deletes what is not there", async () => {
    await withZone(undefined, `echo "Failed to delete VM ${U}: VM ${U} not found" >&2; exit 1`);
    await vmadm().delete(U);
    expect(await errorOf(vmadm().stop(U))).toMatchObject({ code: "ZONE_NOT_FOUND" });
  });

  it("kills by name only", async () => {
    await withZone(aZone(), "exit 0");
    await vmadm().kill(U, "sigusr1");
    expect(await lab.log()).toEqual([`kill -s SIGUSR1 ${U}`]);
    for (const bad of ["9", "-9", "", "TERM KILL"])
      expect(await errorOf(vmadm().kill(U, bad))).toMatchObject({ code: "SIGNAL_UNKNOWN" });
    expect(await lab.log()).toHaveLength(1);
  });

  it("keeps the platform's words of what it cannot classify", async () => {
    await withZone(aZone(), `echo "Failed to delete VM ${U}: the moon is wrong" >&2; exit 1`);
    const error = await errorOf(vmadm().delete(U));
    expect(error).toMatchObject({ code: "HOST_COMMAND_FAILED", message: `delete zone ${U}` });
    expect(error.cause).toMatchObject({
      outcome: { stderrTail: `Failed to delete VM ${U}: the moon is wrong\n`, exitCode: 1 },
    });
  });
});

describe("after a vminfod failure", () => {
  const timeout = (what: string): string =>
    `cat > /dev/null; echo 'first of 1 error: vminfod watchForChanges "VM.js ${what} (${U})" timeout exceeded' >&2; exit 1`;
  const now = new Date().toISOString();

  it.each<[string, Record<string, unknown> | undefined, () => Promise<void>]>([
    ["create, stopped", aZone(), () => vmadm().create(aManifest())],
    ["start, running", aZone({ state: "running", zone_state: "running" }), () => vmadm().start(U)],
    [
      "start, over again",
      aZone({ exit_timestamp: "2999-01-01T00:00:00.000Z", exit_status: 1 }),
      () => vmadm().start(U),
    ],
    ["stop, halted", aZone({ exit_timestamp: now }), () => vmadm().stop(U)],
    ["delete, gone", undefined, () => vmadm().delete(U)],
    [
      "update, applied",
      aZone({ cpu_cap: 50, tags: { a: "b" } }),
      () => vmadm().update(U, { cpu_cap: 50, set_tags: { a: "b" }, remove_tags: ["c"] }),
    ],
  ])("believes its own eyes: %s", async (_, zone, act) => {
    await withZone(zone, timeout("x"));
    await act();
    expect(logged).toMatchObject([{ code: "VMINFOD_TIMEOUT" }]);
  });

  it.each<[string, Record<string, unknown> | undefined, () => Promise<void>]>([
    ["create, half-made", aZone({ state: "provisioning" }), () => vmadm().create(aManifest())],
    ["create, absent", undefined, () => vmadm().create(aManifest())],
    ["start, old exit", aZone({ exit_timestamp: "2020-01-01T00:00:00.000Z" }), () => vmadm().start(U)],
    ["start, never ran", aZone(), () => vmadm().start(U)],
    ["stop, running", aZone({ state: "running", zone_state: "running" }), () => vmadm().stop(U)],
    ["delete, there", aZone(), () => vmadm().delete(U)],
    ["update, other value", aZone({ cpu_cap: 40 }), () => vmadm().update(U, { cpu_cap: 50 })],
    ["reprovision", aZone(), () => vmadm().reprovision(U, "2b683a82-a066-41e3-97ab-2faa44701c5a")],
  ])("fails where the change is not seen: %s", async (_, zone, act) => {
    await withZone(zone, timeout("x"));
    expect(await errorOf(act())).toMatchObject({ code: "VMINFOD_TIMEOUT", retryable: true });
  });

  it("says unavailable when vmadm died with vminfod and nothing can be seen", async () => {
    await lab.script("vmadm", `cat > /dev/null; echo "Uncaught Error: connect ECONNREFUSED" >&2; kill -ABRT $$`);
    expect(await errorOf(vmadm().update(U, { cpu_cap: 50 }))).toMatchObject({
      code: "VMINFOD_UNAVAILABLE",
      retryable: true,
    });
  });
});

describe("turns", () => {
  const slow =
    'echo "begin $1" >> "$LOG"; while [ -d "$ROOT" ] && [ ! -e "$ROOT/go" ]; do sleep 0.02; done; echo "end $1" >> "$LOG"';
  const begun = async (): Promise<boolean> => (await lab.log()).length > 0;

  it("serialises changes of a zone, lets kill and other zones pass", async () => {
    const other = newZoneUuid();
    await lab.script("vmadm", `case "$1$2" in start${U}|stop${U}) ${slow};; *) echo "$1" >> "$LOG";; esac`);
    const client = vmadm();
    const start = client.start(U);
    await eventually(begun, { what: "start runs" });
    const stop = client.stop(U);
    await client.kill(U, "TERM");
    await client.start(other);
    await writeFile(join(lab.root, "go"), "");
    await Promise.all([start, stop]);
    expect(await lab.log()).toEqual(["begin start", "kill", "start", "end start", "begin stop", "end stop"]);
  });

  it("an abort leaves the change running and keeps its turn", async () => {
    await lab.script("vmadm", slow);
    const client = vmadm();
    const abort = new AbortController();
    const pids: number[] = [];
    const start = errorOf(client.start(U, { signal: abort.signal, onSpawn: (pid) => pids.push(pid) }));
    await eventually(begun, { what: "start runs" });
    abort.abort();
    expect(await start).toMatchObject({ code: "CANCELLED" });
    expect(isAlive(pids[0]!)).toBe(true);
    const late = await errorOf(client.delete(U, { timeoutMs: 100 }));
    expect(late).toMatchObject({
      code: "DEADLINE",
      message: expect.stringContaining("its turn did not come") as string,
    });
    const stop = client.stop(U);
    await writeFile(join(lab.root, "go"), "");
    await stop;
    expect(await lab.log()).toEqual(["begin start", "end start", "begin stop", "end stop"]);
  });
});

describe("events", () => {
  const ready = (zones: Record<string, unknown>): string =>
    JSON.stringify({ type: "ready", date: "2025-05-02T09:14:00.123Z", uuid: "s", vms: zones });
  const gone = JSON.stringify({ type: "delete", date: "2025-05-02T09:14:01.000Z", zonename: U, uuid: U });
  const pauseMs = { first: 10, longest: 20 };

  async function take(count: number, stream: AsyncIterable<VmEvent>): Promise<VmEvent[]> {
    const events: VmEvent[] = [];
    for await (const event of stream) {
      events.push(event);
      if (events.length === count) break;
    }
    return events;
  }

  it("starts with a ready record and skips what it cannot read", async () => {
    await writeFile(
      join(lab.root, "events"),
      [ready({ [U]: aZone(), odd: { uuid: "odd" } }), "not json", '{"type":"new"}', gone, ""].join("\n"),
    );
    await lab.script("vmadm", `echo "$@" >> "$LOG"; cat "$ROOT/events"; exec sleep 30`);
    const events = await take(2, vmadm().events());
    expect(events).toMatchObject([{ type: "ready" }, { type: "delete", uuid: U }]);
    expect(events[0]?.type === "ready" && Object.keys(events[0].vms)).toEqual([U]);
    expect(logged).toHaveLength(3);
    expect(await lab.log()).toEqual(["events -jr"]);
  });

  it("starts again after a death, with a new ready record", async () => {
    await writeFile(join(lab.root, "events"), ready({}) + "\n");
    await lab.script(
      "vmadm",
      `echo $$ >> "$LOG"; cat "$ROOT/events"; echo "Uncaught Error: VminfodEventStream" >&2; kill -ABRT $$`,
    );
    const events = await take(3, followEvents(lab.host, log, { pauseMs }));
    expect(events.map((event) => event.type)).toEqual(["ready", "ready", "ready"]);
    expect(new Set(await lab.log()).size).toBeGreaterThanOrEqual(3);
  });

  it("ends on abort, and no child is left", async () => {
    await writeFile(join(lab.root, "events"), ready({}) + "\n");
    await lab.script("vmadm", `echo $$ >> "$LOG"; cat "$ROOT/events"; exec sleep 30`);
    const abort = new AbortController();
    const seen: string[] = [];
    for await (const event of vmadm().events({ signal: abort.signal })) {
      seen.push(event.type);
      abort.abort();
    }
    expect(seen).toEqual(["ready"]);
    const [pid] = await lab.log();
    await eventually(() => !isAlive(Number(pid)), { what: "child ended" });
  });

  it("ends on abort during the pause", async () => {
    await lab.script("vmadm", 'echo x >> "$LOG"; exit 1');
    const abort = new AbortController();
    const all = take(
      1,
      followEvents(lab.host, log, { signal: abort.signal, pauseMs: { first: 60_000, longest: 60_000 } }),
    );
    await eventually(() => logged.length > 0, { what: "death logged" });
    abort.abort();
    expect(await all).toEqual([]);
  });

  it("does not start again what can never work", async () => {
    expect(await errorOf(take(1, vmadm().events()))).toMatchObject({ code: "HOST_COMMAND_MISSING" });
    await lab.script("vmadm", `echo "VM ${U} not found" >&2; exit 1`);
    expect(await errorOf(take(1, vmadm().events({ zone: U })))).toMatchObject({ code: "ZONE_NOT_FOUND" });
    expect(existsSync(lab.root)).toBe(true);
  });
});
