// A lab in a temporary directory whose pool and runtime are only remembered, for tests of vmadm's subcommands.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runVmadm } from "../../../agent/labhost/commands/vmadm.ts";
import type { VmHost } from "../../../agent/labhost/commands/vmadm/host.ts";
import type { Dataset, DatasetStore } from "../../../agent/labhost/datasets.ts";
import { ZfsError } from "../../../agent/labhost/datasets/zfs-error.ts";
import { parseFailpoints } from "../../../agent/labhost/failpoints.ts";
import type { Lab } from "../../../agent/labhost/lab.ts";
import type { ZoneRuntime } from "../../../agent/labhost/runtime.ts";
import type { Payload } from "../../../agent/labhost/vm/json-text.ts";

export const IMAGE = "1236eb25-b04d-c68a-150a-8a0ec3befbc9";
/** A uuid no zone has unless a test gives it to one. */
export const NOBODY = "11111111-2222-4333-8444-555555555555";
export const ZONE = "7b9e1c1a-4f0d-4b5e-9a7a-0c8f5f1d2a11";

export interface Run {
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
}

const NOT_BOOTED: ZoneRuntime = { zoneState: "installed", zoneid: undefined, pid: undefined, bootTimestamp: undefined };

export class FakeLab {
  readonly root = mkdtempSync(join(tmpdir(), "zl-vm-"));
  readonly datasets = new Map<string, Dataset>();
  readonly running = new Map<string, ZoneRuntime>();
  /** What was asked of the runtime, in order. */
  readonly asked: string[] = [];
  readonly env: Record<string, string> = {};
  failpoints = "";
  bootError: string | undefined;
  /** Signals init dies of. */
  lethal: readonly string[] = ["SIGTERM", "SIGKILL"];
  /** What a booted zone does at once. */
  onBoot: (uuid: string) => void = () => undefined;
  #zoneid = 0;

  constructor() {
    for (const directory of ["lab", "etc/zones", "zones", "var/imgadm/images"])
      mkdirSync(join(this.root, directory), { recursive: true });
    this.addImage(IMAGE, "docker");
  }

  addImage(uuid: string, type: string): void {
    const file = join(this.root, "var/imgadm/images", `zones-${uuid}.json`);
    writeFileSync(file, JSON.stringify({ manifest: { uuid, type }, zpool: "zones" }));
    this.#add(`zones/${uuid}`, {});
    this.#add(`zones/${uuid}@final`, {});
  }

  addDataset(name: string): void {
    this.#add(name, {});
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  async vmadm(args: readonly string[], input: Payload | string = ""): Promise<Run> {
    let stdout = "";
    let stderr = "";
    const context = {
      lab: this.lab(),
      args,
      invokedAs: "/usr/sbin/vmadm",
      out: (text: string) => void (stdout += text),
      err: (text: string) => void (stderr += text),
      stdin: () => Promise.resolve(typeof input === "string" ? input : JSON.stringify(input)),
    };
    const host: VmHost = {
      context,
      lab: context.lab,
      datasets: this.#store(),
      env: this.env,
      zones: {
        boot: (_lab, uuid) => this.#boot(uuid),
        halt: (_lab, uuid) => Promise.resolve(this.#down(uuid, "halt", "-1")),
        signal: (_lab, uuid, signal) => Promise.resolve(this.#signal(uuid, signal)),
        applyCaps: (_lab, vm) => void this.asked.push(`caps ${String(vm["max_physical_memory"])}`),
        read: (_lab, uuid) => this.running.get(uuid) ?? NOT_BOOTED,
      },
    };
    const exit = await runVmadm(host, context);
    return { exit, stdout, stderr };
  }

  lab(): Lab {
    return {
      root: this.root,
      config: {
        version: 1,
        nicTags: ["admin", "external"],
        serverUuid: "44454c4c-5400-1034-8053-b5c04f383432",
        hostname: "lab",
        clones: "copy",
        privilege: "root",
      },
      failpoints: parseFailpoints(this.failpoints, join(this.root, "lab/failpoints")),
      path: (path) => join(this.root, path),
      own: (...parts) => join(this.root, "lab", ...parts),
    };
  }

  /** Creates a zone that has to come about. */
  async create(changes: Payload = {}): Promise<void> {
    const { exit, stderr } = await this.vmadm(["create"], containerPayload(changes));
    if (exit !== 0) throw new Error(stderr);
  }

  async get(uuid = ZONE): Promise<Payload> {
    const { stdout, stderr } = await this.vmadm(["get", uuid]);
    if (stdout === "") throw new Error(stderr);
    return JSON.parse(stdout) as Payload;
  }

  #boot(uuid: string): Promise<void> {
    this.asked.push("boot");
    if (this.bootError !== undefined) return Promise.reject(new Error(this.bootError));
    const bootTimestamp = "2025-05-02T09:15:04.000Z";
    this.running.set(uuid, { zoneState: "running", zoneid: ++this.#zoneid, pid: 4711, bootTimestamp });
    this.onBoot(uuid);
    return Promise.resolve();
  }

  #signal(uuid: string, signal: string): boolean {
    this.asked.push(signal);
    if (!this.running.has(uuid)) return false;
    if (this.lethal.includes(signal)) this.#down(uuid, "", signal === "SIGKILL" ? "9" : "15");
    return true;
  }

  #down(uuid: string, what: string, status: string): boolean {
    if (what !== "") this.asked.push(what);
    if (!this.running.delete(uuid)) return false;
    writeFileSync(join(this.root, "zones", uuid, "lastexited"), `1746177631.512000 ${status}\n`);
    return true;
  }

  #add(name: string, properties: Readonly<Record<string, string>>): void {
    const snapshot = name.includes("@");
    this.datasets.set(name, {
      name,
      type: snapshot ? "snapshot" : "filesystem",
      properties,
      creation: 1_746_177_292_000 + this.datasets.size * 1000,
      ...(snapshot ? {} : { mountpoint: `/${name}` }),
    });
    if (!snapshot) mkdirSync(join(this.root, name, "root/etc"), { recursive: true });
  }

  #store(): DatasetStore {
    const unused = (): never => {
      throw new Error("not part of this fake");
    };
    return {
      list: () => Promise.resolve([...this.datasets.values()]),
      get: (name) => Promise.resolve(this.datasets.get(name)),
      create: (name, properties = {}) => {
        this.#add(name, properties);
        return Promise.resolve();
      },
      clone: (origin, name, properties = {}) => {
        if (!this.datasets.has(origin))
          return Promise.reject(new ZfsError(`cannot open '${origin}': dataset does not exist`));
        this.#add(name, properties);
        return Promise.resolve();
      },
      snapshot: (name) => {
        this.#add(name, {});
        return Promise.resolve();
      },
      rollback: () => Promise.resolve(),
      diff: unused,
      destroy: (name) => {
        for (const key of [...this.datasets.keys()])
          if (key === name || key.startsWith(`${name}/`) || key.startsWith(`${name}@`)) this.datasets.delete(key);
        rmSync(join(this.root, name), { recursive: true, force: true });
        return Promise.resolve();
      },
      set: (name, property, value) => {
        const dataset = this.datasets.get(name);
        if (!dataset) return Promise.reject(new ZfsError(`cannot open '${name}': dataset does not exist`));
        const properties = { ...dataset.properties };
        if (value === undefined) Reflect.deleteProperty(properties, property);
        else properties[property] = value;
        this.datasets.set(name, { ...dataset, properties });
        return Promise.resolve();
      },
      linkClone: unused,
      rename: unused,
      mount: unused,
      unmount: unused,
      isMounted: unused,
      used: unused,
      mountAll: unused,
    };
  }
}

/** A payload that create takes as it is. */
export function containerPayload(changes: Payload = {}): Payload {
  return {
    uuid: ZONE,
    brand: "lx",
    docker: true,
    autoboot: false,
    kernel_version: "4.3.0",
    alias: "web-1",
    image_uuid: IMAGE,
    max_physical_memory: 1024,
    internal_metadata: { "docker:cmd": '["true"]' },
    ...changes,
  };
}
