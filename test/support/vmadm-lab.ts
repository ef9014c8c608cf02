// A lab with real zones and a busybox image, driven by its own vmadm; started from the sources.
import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./eventually.ts";

const MAIN = join(import.meta.dirname, "../../agent/labhost/main.ts");
export const IMAGE = "10000000-0000-4000-8000-000000000001";
const APPLETS = ["sh", "sleep", "echo", "cat", "true", "kill", "hostname"];
const DEADLINE_MS = 25_000;

export interface Answer {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Json = Record<string, unknown>;

export class VmadmLab {
  readonly work = mkdtempSync(join(tmpdir(), "zl-v-"));
  readonly root = join(this.work, "lab");
  readonly environment: NodeJS.ProcessEnv = {
    PATH: process.env["PATH"],
    LABHOST_ROOT: this.root,
    NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? "",
  };
  #zones = 0;

  /** Sets the lab up and installs the image: /bin with busybox and a file in /data. */
  async init(): Promise<void> {
    succeeded(await this.#zoneletLab("init"));
    const tree = join(this.work, "tree");
    mkdirSync(join(tree, "bin"), { recursive: true });
    mkdirSync(join(tree, "data"));
    writeFileSync(join(tree, "data/greeting"), "from the image\n");
    copyFileSync("/bin/busybox", join(tree, "bin/busybox"));
    for (const applet of APPLETS) symlinkSync("busybox", join(tree, "bin", applet));
    execFileSync("tar", ["-cf", join(this.work, "image.tar"), "-C", tree, "."]);
    const manifest = { v: 2, uuid: IMAGE, name: "busybox", version: "1", type: "docker", os: "linux" };
    writeFileSync(join(this.work, "image.json"), JSON.stringify(manifest));
    const install = ["install", "-m", join(this.work, "image.json"), "-f", join(this.work, "image.tar")];
    succeeded(await this.#run(join(this.root, "bin/imgadm"), install));
  }

  vmadm(args: readonly string[], input: Json | string = "", env: NodeJS.ProcessEnv = {}): Promise<Answer> {
    return this.#run(
      join(this.root, "bin/vmadm"),
      args,
      typeof input === "string" ? input : JSON.stringify(input),
      env,
    );
  }

  /** A payload of its own uuid that runs `script` in a shell. */
  container(script: string, changes: Json = {}): Json & { uuid: string } {
    const uuid = `20000000-0000-4000-8000-${String(++this.#zones).padStart(12, "0")}`;
    return {
      uuid,
      brand: "lx",
      docker: true,
      autoboot: false,
      kernel_version: "4.3.0",
      image_uuid: IMAGE,
      max_physical_memory: 256,
      internal_metadata: { "docker:cmd": JSON.stringify(["/bin/sh", "-c", script]) },
      ...changes,
    };
  }

  /** Creates such a container and tells its uuid. */
  async create(script: string, changes: Json = {}): Promise<string> {
    const payload = this.container(script, changes);
    succeeded(await this.vmadm(["create"], payload));
    return payload.uuid;
  }

  async get(uuid: string): Promise<Json> {
    return JSON.parse(succeeded(await this.vmadm(["get", uuid])).stdout) as Json;
  }

  /** The zone once it is stopped. */
  async stopped(uuid: string): Promise<Json> {
    let vm: Json = {};
    const isStopped = async (): Promise<boolean> => {
      vm = await this.get(uuid);
      return vm["state"] === "stopped";
    };
    await eventually(isStopped, { within: 10_000, what: `${uuid} stopped` });
    return vm;
  }

  inside(uuid: string, path: string): string {
    return join(this.root, "zones", uuid, "root", path);
  }

  async deleteZones(): Promise<void> {
    const { stdout } = await this.vmadm(["lookup"]);
    for (const uuid of stdout.split("\n").filter(Boolean)) succeeded(await this.vmadm(["delete", uuid]));
  }

  /** Mounts of zones that are left. */
  mounts(): string[] {
    const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
    return lines.filter((line) => line.includes(`${this.root}/zones/2`));
  }

  async destroy(): Promise<void> {
    succeeded(await this.#zoneletLab("destroy", "--yes"));
    rmSync(this.work, { recursive: true, force: true });
  }

  #zoneletLab(...args: readonly string[]): Promise<Answer> {
    return this.#run(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, ...args]);
  }

  #run(program: string, args: readonly string[], input = "", env: NodeJS.ProcessEnv = {}): Promise<Answer> {
    const child = spawn(program, args, { env: { ...this.environment, ...env } });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.on("error", () => undefined); // a command that reads no payload may be gone before it is written
    child.stdin.end(input);
    const timer = setTimeout(() => child.kill("SIGKILL"), DEADLINE_MS);
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status, signal) => {
        clearTimeout(timer);
        resolve({ status, signal, stdout, stderr });
      });
    });
  }
}

function succeeded(answer: Answer): Answer {
  if (answer.status !== 0) throw new Error(`exit ${String(answer.status ?? answer.signal)}: ${answer.stderr}`);
  return answer;
}
