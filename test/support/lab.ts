// A lab host in a temporary root and the two programs over it, used from outside as people use them.
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { buildDemoImage } from "../../manifests/demo/build-image.ts";

const dist = join(import.meta.dirname, "../../dist");
export const ZONELET = join(dist, "zonelet.mjs");
const ZONELET_LAB = join(dist, "zonelet-lab.mjs");

export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Call {
  readonly command: string;
  readonly args: readonly string[];
  /** Missing when the command was killed. */
  readonly exit?: number;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: string;
  /** Milliseconds after which the program is killed and the test fails by its outcome. */
  readonly timeoutMs?: number;
}

export class TestLab {
  readonly root: string;
  readonly work: string;

  private constructor(work: string) {
    this.work = work;
    this.root = join(work, "lab");
  }

  /** A lab with nic tags admin and external, the demo image loaded as `demo:1` unless told otherwise. */
  static async create(options: { readonly image?: boolean; readonly config?: string } = {}): Promise<TestLab> {
    const lab = new TestLab(await mkdtemp(join(tmpdir(), "zl-")));
    const init = await lab.lab("init");
    if (init.status !== 0) throw new Error(`zonelet-lab init: ${init.stderr}`);
    mkdirSync(join(lab.root, "opt/custom/etc"), { recursive: true });
    writeFileSync(join(lab.root, "opt/custom/etc/zonelet.yaml"), options.config ?? CONFIG);
    if (options.image !== false) {
      const archive = join(lab.work, "demo.tar");
      await buildDemoImage(archive, "demo:1");
      const load = await lab.zonelet("load", "-q", "-i", archive);
      if (load.status !== 0) throw new Error(`zonelet load: ${load.stderr}`);
    }
    return lab;
  }

  get environment(): Record<string, string> {
    return {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HOME: this.work,
      LABHOST_ROOT: this.root,
      NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? "",
    };
  }

  spawn(
    program: string,
    args: readonly string[],
    options: RunOptions = {},
  ): ChildProcessByStdio<null, Readable, Readable> {
    return spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program, ...args], {
      env: { ...this.environment, ...options.env },
      cwd: options.cwd ?? this.work,
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  zonelet(...args: readonly string[]): Promise<Outcome> {
    return this.run(args);
  }

  run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
    return outcome(this.spawn(ZONELET, args, options), options.timeoutMs);
  }

  lab(...args: readonly string[]): Promise<Outcome> {
    return outcome(this.spawn(ZONELET_LAB, args), 60_000);
  }

  /** One of the emulated commands, as in a shell of the lab. */
  platform(command: string, ...args: readonly string[]): Promise<Outcome> {
    const child = spawn(join(this.root, "bin", command), args, {
      env: this.environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    return outcome(child, 60_000);
  }

  /** What was called on the lab host from call number `from` on (see `callCount`), in the order of their beginnings. */
  calls(from = 0): readonly Call[] {
    const file = join(this.root, "lab/calls.ndjson");
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, "utf8").split("\n").filter(Boolean);
    const records = lines.map(
      (line) => JSON.parse(line) as Call & { event: "begin" | "end"; pid: number; time: string },
    );
    const ends = new Map(records.filter(({ event }) => event === "end").map((r) => [`${r.pid} ${r.time}`, r]));
    const begun = records.filter(({ event }) => event === "begin").slice(from);
    return begun.map((record) => ends.get(`${record.pid} ${record.time}`) ?? record);
  }

  get callCount(): number {
    return this.calls().length;
  }

  zoneUuids(): string[] {
    const directory = join(this.root, "etc/zones");
    return existsSync(directory)
      ? readdirSync(directory)
          .filter((n) => n.endsWith(".json") && !n.includes("-receiving"))
          .map((n) => n.slice(0, -5))
      : [];
  }

  records(): string[] {
    const directory = join(this.root, "var/db/zonelet/zones");
    return existsSync(directory) ? readdirSync(directory) : [];
  }

  async destroy(): Promise<void> {
    const destroyed = await this.lab("destroy", "--yes");
    if (destroyed.status !== 0) throw new Error(`zonelet-lab destroy: ${destroyed.stderr}`);
    rmSync(this.work, { recursive: true, force: true });
  }
}

const CONFIG = `version: 1
networks:
  admin: { nicTag: admin, subnet: 10.0.0.0/24, gateway: 10.0.0.1, resolvers: [10.0.0.1] }
mounts: { allowedRoots: [/data] }
`;

export function outcome(child: ChildProcessByStdio<null, Readable, Readable>, timeoutMs = 30_000): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString("utf8")));
  const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) => {
      clearTimeout(timer);
      resolve({ status, signal, stdout, stderr });
    });
  });
}
