// A lab host of an ordinary user: namespaces below a user namespace with one id, roots as copies, no groups, no mounts.
// The suite runs as root, so these programs are given another user's id; what they run is copied to a place that user can read.
import { spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { buildDemoImage } from "../../manifests/demo/build-image.ts";
import { eventually } from "../support/eventually.ts";
import { outcome, type Outcome } from "../support/lab.ts";

/** An id of its own: its processes can be counted. */
const UID = 47_113;
const DIST = join(import.meta.dirname, "../../dist");
/** Not below os.tmpdir(): that may be root's alone. */
const home = mkdtempSync("/tmp/zl-u-");
const root = join(home, "lab");
const node = join(home, "node");
const CONFIG = `version: 1
networks:
  admin: { nicTag: admin, subnet: 10.0.0.0/24, gateway: 10.0.0.1, resolvers: [10.0.0.1] }
`;

beforeAll(async () => {
  copyFileSync(process.execPath, node);
  for (const program of ["zonelet.mjs", "zonelet-lab.mjs"]) copyFileSync(join(DIST, program), join(home, program));
  await buildDemoImage(join(home, "demo.tar"), "demo:1");
  chmodSync(join(home, "demo.tar"), 0o644);
  chownSync(home, UID, UID);
});

afterAll(async () => {
  if (existsSync(root)) await run("zonelet-lab", "destroy", "--yes"); // after a test that failed
  rmSync(home, { recursive: true, force: true });
});

function asUser(program: string, args: readonly string[]): Promise<Outcome> {
  const identity = ["--reuid", String(UID), "--regid", String(UID), "--clear-groups", "--inh-caps=-all", "--"];
  const child = spawn("setpriv", [...identity, program, ...args], {
    cwd: home,
    env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", HOME: home, LABHOST_ROOT: root },
    stdio: ["ignore", "pipe", "pipe"],
  });
  return outcome(child, 60_000);
}

async function succeeds(program: "zonelet" | "zonelet-lab", ...args: readonly string[]): Promise<string> {
  const done = await run(program, ...args);
  if (done.status !== 0) throw new Error(`${program} ${args.join(" ")}: ${JSON.stringify(done)}`);
  return done.stdout;
}

function run(program: "zonelet" | "zonelet-lab", ...args: readonly string[]): Promise<Outcome> {
  return asUser(node, ["--disable-warning=ExperimentalWarning", `${program}.mjs`, ...args]);
}

interface Vm {
  readonly uuid: string;
  readonly hostname: string;
  readonly pid: number;
}

/** Pids of this user's processes. */
function processes(): string[] {
  return readdirSync("/proc").filter((name) => {
    if (!/^\d+$/.test(name)) return false;
    try {
      return new RegExp(`^Uid:\\s+${UID}\\s`, "m").test(readFileSync(`/proc/${name}/status`, "utf8"));
    } catch {
      return false; // ended meanwhile
    }
  });
}

test("an ordinary user sets up a lab and is told what is different", async () => {
  expect(await succeeds("zonelet-lab", "init")).toContain("zones run in a user namespace, their roots are copies");
  const status = await succeeds("zonelet-lab", "status");
  expect(status).toContain("in a user namespace; every user of a container is its root");
  writeFileSync(join(root, "opt/custom/etc/zonelet.yaml"), CONFIG);
});

test("loads an image and runs it: streams, exit status and host name are the container's", async () => {
  await succeeds("zonelet", "load", "-q", "-i", "demo.tar");
  const script = "hostname; id -u; echo err >&2; exit 7";
  const done = await run("zonelet", "run", "--rm", "--hostname", "box", "demo:1", "sh", "-c", script);
  expect(done).toMatchObject({ status: 7, stdout: "box\n0\n", stderr: "err\n" });
});

test("two zones run side by side, each in namespaces of its own; stop and rm leave nothing of them", async () => {
  const script = "hostname; while :; do sleep 1; done";
  for (const name of ["one", "two"])
    await succeeds("zonelet", "run", "-d", "--name", name, "--hostname", name, "demo:1", "sh", "-c", script);
  const vms = JSON.parse((await asUser(join(root, "bin/vmadm"), ["lookup", "-j", "state=running"])).stdout) as Vm[];
  expect(vms).toHaveLength(2);
  for (const kind of ["pid", "mnt", "uts", "ipc", "net"])
    expect(new Set(vms.map(({ pid }) => readlinkSync(`/proc/${pid}/ns/${kind}`))).size).toBe(2);
  for (const { uuid, hostname } of vms) {
    const inside = await asUser(join(root, "bin/zlogin"), ["-Q", uuid, "hostname"]);
    expect(inside).toMatchObject({ status: 0, stdout: `${hostname}\n` });
  }
  await succeeds("zonelet", "stop", "one");
  await succeeds("zonelet", "rm", "-f", "one", "two");
  expect(readdirSync(join(root, "etc/zones")).filter((name) => name.endsWith(".json"))).toEqual([]);
});

test("destroy ends what is left and removes the lab", async () => {
  await succeeds("zonelet", "run", "-d", "--name", "left", "demo:1", "sleep", "600");
  expect(processes()).not.toEqual([]);
  await succeeds("zonelet-lab", "destroy", "--yes");
  expect(existsSync(root)).toBe(false);
  await eventually(() => processes().length === 0, { within: 5000, what: "no process of the user is left" });
});
