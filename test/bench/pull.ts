// `node test/bench/pull.ts [rounds]` after a build: pull and install beside `skopeo copy` with `umoci unpack`, and beside
// `ctr image pull` where containerd is on the PATH, from one local registry to one disk, in turn. What our lab host's
// imgadm takes is told apart: on a node the platform's own does that. Everything is in one temporary directory, removed at the end.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { TestLayout } from "../support/images.ts";
import { TestLab, ZONELET } from "../support/lab.ts";
import { TestRegistry } from "../support/registry.ts";
import { eventually } from "../support/eventually.ts";

const MIB = 1024 * 1024;
const rounds = Number(process.argv[2] ?? 3);

interface Sample {
  readonly ms: number;
  /** Largest resident set of the processes of this candidate, MiB. */
  readonly rss: number;
  /** Of `ms`, spent inside the lab's imgadm. */
  readonly labMs: number;
}

interface Candidate {
  readonly name: string;
  readonly steps: (reference: string) => readonly (readonly [string, readonly string[]])[];
  readonly clean: (reference: string) => void;
}

const lab = await TestLab.create({ image: false });
const work = join(lab.work, "bench");
mkdirSync(work);
const env = lab.environment;
let daemon: ChildProcess | undefined;
let registry: TestRegistry | undefined;
try {
  const layout = await TestLayout.create(join(work, "images"));
  registry = await TestRegistry.start(join(work, "registry"));
  const images = [
    { title: "6 layers, 150 MiB in all", tag: "six", layers: 6, bytes: 25 * MIB },
    { title: "1 layer of 1 GiB", tag: "one", layers: 1, bytes: 1024 * MIB },
  ];
  for (const { tag, layers, bytes } of images) {
    const tars = Array.from({ length: layers }, (_, i) =>
      makeLayer(join(work, `${tag}-${i}.tar`), `${tag}${i}`, bytes),
    );
    await layout.fromTars(tag, tars);
    for (const tar of tars) rmSync(tar);
    await registry.push(layout.directory, tag, `${tag}:1`);
  }
  rmSync(layout.directory, { recursive: true });
  const ctr = await startContainerd();
  const candidates = [zonelet(), skopeoAndUmoci(), ...(ctr ? [ctr] : [])];
  for (const { title, tag } of images) {
    const reference = `${registry.host}/${tag}:1`;
    const samples = new Map<string, Sample[]>(candidates.map(({ name }) => [name, []]));
    for (let round = -1; round < rounds; round++)
      for (const candidate of candidates) {
        const sample = await measureOnce(candidate, reference);
        candidate.clean(reference);
        if (round >= 0) samples.get(candidate.name)?.push(sample);
      }
    tell(title, samples);
  }
  if (!ctr) process.stdout.write("\n  (containerd and ctr are not on the PATH: no row for them)\n");
} finally {
  daemon?.kill("SIGTERM");
  await registry?.stop();
  await lab.destroy();
}

function tell(title: string, samples: ReadonlyMap<string, readonly Sample[]>): void {
  const rows = [...samples].map(([name, all]) => ({ name, ...median(all) }));
  const fastest = Math.min(...rows.slice(1).map(({ ms }) => ms));
  process.stdout.write(`\n${title} (median of ${rounds})\n`);
  for (const { name, ms, rss, labMs } of rows) {
    const apart =
      labMs === 0 ? "" : `, ${((ms - labMs) / fastest).toFixed(2)} × without the lab's imgadm (${labMs.toFixed(0)} ms)`;
    process.stdout.write(
      `  ${name.padEnd(28)} ${ms.toFixed(0).padStart(7)} ms  peak RSS ${rss.toFixed(0).padStart(4)} MiB  ${(ms / fastest).toFixed(2)} × the fastest peer${apart}\n`,
    );
  }
}

function median(samples: readonly Sample[]): Sample {
  const sorted = samples.toSorted((a, b) => a.ms - b.ms);
  const middle = sorted[sorted.length >> 1];
  if (middle === undefined) throw new Error("nothing was measured");
  return { ...middle, rss: Math.max(...samples.map(({ rss }) => rss)) };
}

async function measureOnce({ name, steps }: Candidate, reference: string): Promise<Sample> {
  const calls = lab.callCount;
  let rss = 0;
  const started = performance.now();
  for (const [command, args] of steps(reference)) {
    const child = spawn(command, args, { env, stdio: ["ignore", "ignore", "pipe"] });
    let stderr = "";
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    // The high-water mark only grows, so a look now and then sees nearly all of it.
    const watch = setInterval(() => {
      rss = Math.max(rss, peakMiB(child.pid), peakMiB(daemon?.pid));
    }, 20);
    const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
    clearInterval(watch);
    if (status !== 0) throw new Error(`${name}: ${command} exited ${String(status)}: ${stderr}`);
  }
  const ms = performance.now() - started;
  const installs = lab.calls(calls).filter(({ command, args }) => command === "imgadm" && args.includes("install"));
  return { ms, rss, labMs: installs.reduce((sum, call) => sum + ("ms" in call ? Number(call.ms) : 0), 0) };
}

function peakMiB(pid: number | undefined): number {
  try {
    const status = pid === undefined ? "" : readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

function zonelet(): Candidate {
  const node = [process.execPath, "--disable-warning=ExperimentalWarning", ZONELET] as const;
  return {
    name: "zonelet pull",
    steps: (reference) => [[node[0], [...node.slice(1), "pull", "-q", reference]]],
    clean: (reference) => {
      const removed = spawnSync(node[0], [...node.slice(1), "rmi", reference], { env });
      if (removed.status !== 0) throw new Error(`zonelet rmi: ${String(removed.stderr)}`);
    },
  };
}

function skopeoAndUmoci(): Candidate {
  const copy = join(work, "copied");
  const bundle = join(work, "unpacked");
  const source = (reference: string): string => `docker://${reference}`;
  return {
    name: "skopeo copy + umoci unpack",
    steps: (reference) => [
      ["skopeo", ["copy", "-q", "--insecure-policy", "--src-tls-verify=false", source(reference), `oci:${copy}:1`]],
      ["umoci", ["unpack", "--image", `${copy}:1`, bundle]],
    ],
    clean: () => {
      rmSync(copy, { recursive: true });
      rmSync(bundle, { recursive: true });
    },
  };
}

/** A daemon of our own, with root and socket in the bench's directory. */
async function startContainerd(): Promise<Candidate | undefined> {
  if (spawnSync("ctr", ["--version"]).status !== 0) return undefined;
  const socket = join(work, "c.sock");
  const places = ["--root", join(work, "c-root"), "--state", join(work, "c-state")];
  daemon = spawn("containerd", ["--address", socket, ...places, "--log-level", "fatal"], { stdio: "ignore" });
  await eventually(() => existsSync(socket), { within: 15_000, what: "containerd listens" });
  const ctr = (...args: readonly string[]): readonly string[] => ["-a", socket, ...args];
  return {
    name: "ctr image pull",
    steps: (reference) => [["ctr", ctr("image", "pull", "--plain-http", "--snapshotter", "native", reference)]],
    clean: (reference) => {
      spawnSync("ctr", ctr("image", "rm", "--sync", reference));
    },
  };
}

/** A tar of files of many sizes that compresses about as well as programs do: half noise, half text. Always the same. */
function makeLayer(file: string, seed: string, bytes: number): string {
  const out = openSync(file, "w");
  const text = Buffer.from("the quick brown fox jumps over the lazy dog and runs on; ".repeat(400));
  let written = 0;
  for (let i = 0; written < bytes; i++) {
    const size = [3_000, 20_000, 70_000, 400_000][i % 4] ?? 0;
    const body = Buffer.alloc(Math.ceil(size / 512) * 512);
    for (let at = 0; at < size; at += 128) {
      const noise = createHash("sha512").update(`${seed}/${i}/${at}`).digest();
      noise.copy(body, at, 0, Math.min(64, size - at));
      if (at + 64 < size)
        text.copy(body, at + 64, (i * 31 + at) % 20_000, ((i * 31 + at) % 20_000) + Math.min(64, size - at - 64));
    }
    writeSync(out, header(`${seed}/d${i % 97}/file-${i}`, size));
    writeSync(out, body);
    written += 512 + body.length;
  }
  writeSync(out, Buffer.alloc(1024));
  closeSync(out);
  return file;
}

function header(name: string, size: number): Buffer {
  const block = Buffer.alloc(512);
  const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, "0")}\0`;
  block.write(name, 0);
  block.write(
    `${octal(0o644, 7)}${octal(0, 7)}${octal(0, 7)}${octal(size, 11)}${octal(1_500_000_000, 11)}        0`,
    100,
  );
  block.write("ustar\x0000", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}
