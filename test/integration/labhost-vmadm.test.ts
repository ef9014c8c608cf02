// The lab's vmadm with real zones: a busybox image from imgadm, containers that run, end, are stopped and leave nothing.
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, copyFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";

const MAIN = join(import.meta.dirname, "../../agent/labhost/main.ts");
const IMAGE = "10000000-0000-4000-8000-000000000001";
const APPLETS = ["sh", "sleep", "echo", "cat", "true", "kill", "hostname"];

interface Answer {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Json = Record<string, unknown>;

const work = mkdtempSync(join(tmpdir(), "zl-v-"));
const root = join(work, "lab");
const environment = { PATH: process.env["PATH"], LABHOST_ROOT: root };
const followers: ChildProcessByStdio<null, Readable, Readable>[] = [];

function answerOf(program: string, args: readonly string[], input = "", env: Json = {}): Promise<Answer> {
  const child = spawn(program, args, { env: { ...environment, ...env } });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.end(input);
  const timer = setTimeout(() => child.kill("SIGKILL"), 25_000);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status, signal) => {
      clearTimeout(timer);
      resolve({ status, signal, stdout, stderr });
    });
  });
}

function vmadm(args: readonly string[], input: Json | string = "", env: Json = {}): Promise<Answer> {
  const text = typeof input === "string" ? input : JSON.stringify(input);
  return answerOf(join(root, "bin/vmadm"), args, text, env);
}

function zonelet(...args: readonly string[]): Promise<Answer> {
  return answerOf(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, ...args]);
}

let counter = 0;

/** A payload of its own uuid that runs `script` in a shell. */
function container(script: string, changes: Json = {}, metadata: Json = {}): Json & { uuid: string } {
  const uuid = `20000000-0000-4000-8000-${String(++counter).padStart(12, "0")}`;
  return {
    uuid,
    brand: "lx",
    docker: true,
    autoboot: false,
    kernel_version: "4.3.0",
    image_uuid: IMAGE,
    max_physical_memory: 256,
    internal_metadata: { "docker:cmd": JSON.stringify(["/bin/sh", "-c", script]), ...metadata },
    ...changes,
  };
}

async function get(uuid: string): Promise<Json> {
  const { stdout, stderr } = await vmadm(["get", uuid]);
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as Json;
}

async function created(script: string, changes: Json = {}, metadata: Json = {}): Promise<string> {
  const payload = container(script, changes, metadata);
  expect(await vmadm(["create"], payload)).toMatchObject({
    status: 0,
    stderr: `Successfully created VM ${payload.uuid}\n`,
  });
  return payload.uuid;
}

async function stopped(uuid: string): Promise<Json> {
  let vm: Json = {};
  const isStopped = async (): Promise<boolean> => {
    vm = await get(uuid);
    return vm["state"] === "stopped";
  };
  await eventually(isStopped, { within: 10_000, what: `${uuid} stopped` });
  return vm;
}

const inside = (uuid: string, path: string): string => join(root, "zones", uuid, "root", path);

beforeAll(async () => {
  expect(await zonelet("init")).toMatchObject({ status: 0 });
  const tree = join(work, "tree");
  mkdirSync(join(tree, "bin"), { recursive: true });
  mkdirSync(join(tree, "data"));
  writeFileSync(join(tree, "data/greeting"), "from the image\n");
  copyFileSync("/bin/busybox", join(tree, "bin/busybox"));
  for (const applet of APPLETS) symlinkSync("busybox", join(tree, "bin", applet));
  execFileSync("tar", ["-cf", join(work, "image.tar"), "-C", tree, "."]);
  const manifest = { v: 2, uuid: IMAGE, name: "busybox", version: "1", type: "docker", os: "linux" };
  writeFileSync(join(work, "image.json"), JSON.stringify(manifest));
  const install = ["install", "-m", join(work, "image.json"), "-f", join(work, "image.tar")];
  expect(await answerOf(join(root, "bin/imgadm"), install)).toMatchObject({ status: 0 });
});

afterEach(async () => {
  for (const child of followers.splice(0)) child.kill("SIGTERM");
  const { stdout } = await vmadm(["lookup"]);
  for (const uuid of stdout.split("\n").filter(Boolean)) await vmadm(["delete", uuid]);
});

afterAll(async () => {
  const { stdout } = await vmadm(["list", "-H"]);
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  expect(stdout).toBe("");
  expect(mounts.filter((line) => line.includes(`${root}/zones/2`))).toEqual([]);
  await zonelet("destroy", "--yes");
  rmSync(work, { recursive: true, force: true });
});

describe("a container's life", () => {
  test("create, start, exit, get, delete", async () => {
    const uuid = await created("exit 7");
    expect(await get(uuid)).toMatchObject({ state: "stopped", zone_state: "installed" });
    expect(await get(uuid)).not.toHaveProperty("exit_status");
    expect(await vmadm(["start", uuid])).toMatchObject({ status: 0, stderr: `Successfully started VM ${uuid}\n` });
    expect(await stopped(uuid)).toMatchObject({
      exit_status: 7,
      zoneid: null,
      internal_metadata: { "docker:restartcount": 0 },
    });
    expect(await vmadm(["delete", uuid])).toMatchObject({ status: 0, stderr: `Successfully deleted VM ${uuid}\n` });
    expect(await vmadm(["get", uuid])).toMatchObject({
      status: 1,
      stderr: `zoneadm: ${uuid}: No such zone configured\n`,
    });
  });

  test("start returns while the container runs; kill ends it with a negative illumos number", async () => {
    const uuid = await created("sleep 60");
    await vmadm(["start", uuid]);
    const vm = await get(uuid);
    expect(vm).toMatchObject({ state: "running", zone_state: "running", init_restarts: 0 });
    expect(vm["pid"]).toBeTypeOf("number");
    expect(vm["boot_timestamp"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
    expect(await vmadm(["kill", "-s", "USR1", uuid])).toMatchObject({
      status: 0,
      stderr: `Sent signal "USR1" to init process for VM ${uuid}\n`,
    });
    expect(await stopped(uuid)).toMatchObject({ exit_status: -16 });
  });

  test("stop with a limit kills what does not listen to TERM", async () => {
    const uuid = await created("trap '' TERM; while :; do sleep 1; done");
    await vmadm(["start", uuid]);
    const before = performance.now();
    expect(await vmadm(["stop", uuid, "-t", "1"])).toMatchObject({ status: 0 });
    expect(performance.now() - before).toBeLessThan(8000);
    const vm = await get(uuid);
    expect(vm["state"]).toBe("stopped");
    expect([-9, 0]).toContain(vm["exit_status"]); // the halt that follows may be first (vmadm.md 11)
  });

  test("stop -F counts as exit status 0", async () => {
    const uuid = await created("sleep 60");
    await vmadm(["start", uuid]);
    await vmadm(["stop", uuid, "-F"]);
    expect(await get(uuid)).toMatchObject({ state: "stopped", exit_status: 0 });
  });

  test("sees its files, its volume and its host name", async () => {
    const uuid = await created("cat /etc/hostname /data/greeting > /data/seen; hostname >> /data/seen", {
      hostname: "web",
      filesystems: [{ source: "create-volume", target: "/data", type: "lofs" }],
    });
    await vmadm(["start", uuid]);
    const vm = await stopped(uuid);
    expect(vm["exit_status"]).toBe(0);
    const volume = (vm["filesystems"] as { source: string }[]).at(-1)!.source;
    expect(readFileSync(join(root, volume, "seen"), "utf8")).toBe("web\nfrom the image\nweb\n");
  });

  test("delete ends a running container", async () => {
    const uuid = await created("sleep 60");
    await vmadm(["start", uuid]);
    const pid = (await get(uuid))["pid"] as number;
    expect((await vmadm(["delete", uuid])).status).toBe(0);
    expect(() => readFileSync(`/proc/${pid}/cmdline`, "utf8")).toThrow();
  });

  test("autoboot waits for dockerinit; a command that is not there still counts as provisioned", async () => {
    const uuid = await created("sleep 60", { autoboot: true });
    expect(await get(uuid)).toMatchObject({ state: "running", autoboot: true });
    expect(readFileSync(inside(uuid, "var/svc/provision_success"), "utf8")).toBe("");
  });

  test("autoboot without any command times out, fails and is halted", async () => {
    const payload = container("", { autoboot: true, internal_metadata: {} });
    const run = await vmadm(["create"], payload, { LABHOST_PROVISION_TIMEOUT_MS: "1000" });
    expect(run.status).toBe(1);
    expect(run.stderr).toContain(`timed out waiting for /var/svc/provisioning to move for ${payload.uuid}`);
    expect(await get(payload.uuid)).toMatchObject({ state: "failed", exit_status: 13 });
  });

  test("a filesystem source that is not there is found at boot", async () => {
    const uuid = await created("true", { filesystems: [{ source: "/no/such", target: "/mnt", type: "lofs" }] });
    const run = await vmadm(["start", uuid]);
    expect(run.status).toBe(1);
    expect(run.stderr).toMatch(new RegExp(`^Unable to start VM ${uuid}: first of 1 error: Command failed: zone`));
    expect(await get(uuid)).toMatchObject({ state: "stopped", zone_state: "installed" });
  });

  test("an unknown brand ends vmadm by SIGABRT", async () => {
    const run = await vmadm(["create"], { ...container("true"), brand: "zzz" });
    expect(run).toMatchObject({ signal: "SIGABRT", stdout: "" });
    expect(run.stderr).toContain("TypeError");
  });
});

describe("snapshots and reprovision", () => {
  test("rollback brings the files back and starts the zone", async () => {
    const uuid = await created("echo changed > /data/greeting; sleep 60");
    expect((await vmadm(["create-snapshot", uuid, "before"])).status).toBe(0);
    await vmadm(["start", uuid]);
    const greeting = (): string => readFileSync(inside(uuid, "data/greeting"), "utf8");
    await eventually(() => greeting() === "changed\n", { what: "the container's write" });
    await vmadm(["update", uuid, "alias=later"]);
    expect(await vmadm(["rollback-snapshot", uuid, "before"])).toMatchObject({
      status: 0,
      stderr: `Rolled back snapshot before for VM ${uuid}\n`,
    });
    expect(await get(uuid)).toMatchObject({ state: "running", alias: "later" });
  });

  test("reprovision gives a fresh root and keeps tags", async () => {
    const uuid = await created("echo x > /scratch; sleep 60", { tags: { a: "b" } });
    await vmadm(["start", uuid]);
    writeFileSync(inside(uuid, "left-over"), "");
    expect(await vmadm(["reprovision", uuid], { image_uuid: IMAGE })).toMatchObject({
      status: 0,
      stderr: `Successfully reprovisioned VM ${uuid}\n`,
    });
    expect(await get(uuid)).toMatchObject({ state: "running", tags: { a: "b" } });
    expect(() => readFileSync(inside(uuid, "left-over"))).toThrow();
  });
});

describe("events", () => {
  interface Event {
    readonly type: string;
    readonly uuid: string;
    readonly vm?: Json;
    readonly vms?: Json;
    readonly changes?: readonly { readonly prettyPath: string; readonly newValue?: unknown }[];
    readonly at: number;
  }

  function follow(...args: readonly string[]): {
    events: Event[];
    child: ChildProcessByStdio<null, Readable, Readable>;
  } {
    const child = spawn(join(root, "bin/vmadm"), ["events", ...args], {
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    followers.push(child);
    const events: Event[] = [];
    createInterface({ input: child.stdout }).on("line", (line) =>
      events.push({ ...(JSON.parse(line) as Omit<Event, "at">), at: Date.now() }),
    );
    return { events, child };
  }

  test("tell a zone's life from create to delete", async () => {
    const { events } = follow("-jr");
    await eventually(() => events.length > 0, { what: "the ready event" });
    expect(events[0]).toMatchObject({ type: "ready", vms: {} });
    const uuid = await created("exit 3");
    await vmadm(["start", uuid]);
    const vm = await stopped(uuid);
    const last = (): Event | undefined => events.filter((event) => event.uuid === uuid).at(-1);
    await eventually(() => last()?.vm?.["exit_status"] === 3 && last()?.vm?.["state"] === "stopped", {
      what: "the event of the exit",
    });
    const exited = events.find((event) => event.vm?.["exit_status"] === 3)!;
    expect(exited.at - Date.parse(vm["exit_timestamp"] as string)).toBeLessThan(1000);
    await vmadm(["delete", uuid]);
    await eventually(() => last()?.type === "delete", { what: "the delete event" });
    expect(events.find((event) => event.uuid === uuid)!.type).toBe("create");
    const paths = events.flatMap((event) => event.changes?.map((change) => change.prettyPath) ?? []);
    expect(paths).toContain("internal_metadata.docker:restartcount");
  });

  test("of one zone say nothing of others", async () => {
    const uuid = await created("true");
    const { events } = follow("-j", uuid);
    const other = await created("true");
    await eventually(
      async () => {
        await vmadm(["update", other, `alias=o${events.length}`]);
        await vmadm(["update", uuid, `alias=${Date.now()}`]);
        return events.length > 0;
      },
      { within: 10_000, what: "an event of the zone" },
    );
    expect(new Set(events.map((event) => event.uuid))).toEqual(new Set([uuid]));
  });

  test("end with status 0 when nobody reads any more", async () => {
    const { child } = follow("-j");
    child.stdout.destroy();
    const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
    const uuid = await created("true");
    await vmadm(["update", uuid, "alias=x"]);
    expect(await ended).toEqual({ code: 0, signal: null });
  });
});

describe("at the same time", () => {
  test("one of two creates with one uuid wins", async () => {
    const payload = container("true");
    const runs = await Promise.all([vmadm(["create"], payload), vmadm(["create"], payload)]);
    expect(runs.map((run) => run.status).sort()).toEqual([0, 1]);
    const lost = runs.find((run) => run.status === 1)!;
    expect(lost.stderr).toMatch(/^(VM with UUID .* already exists|Command failed: .*already exists)\n$/);
  });

  test("updates of one zone do not lose each other's changes", async () => {
    const uuid = await created("true");
    const keys = ["a", "b", "c", "d"];
    await Promise.all(keys.map((key) => vmadm(["update", uuid], { set_tags: { [key]: true } })));
    expect((await get(uuid))["tags"]).toEqual({ a: true, b: true, c: true, d: true });
  });
});
