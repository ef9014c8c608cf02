// A lab with nothing but its pool: imgadm, zfs and zpool called in this process, layers made entry by entry.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, createWriteStream } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { pack, type Header } from "tar-stream";
import type { EmulatedCommand } from "../../agent/labhost/command.ts";
import { imgadm } from "../../agent/labhost/commands/imgadm.ts";
import { zfs } from "../../agent/labhost/commands/zfs.ts";
import { zpool } from "../../agent/labhost/commands/zpool.ts";
import { datasetStore, type DatasetStore } from "../../agent/labhost/datasets.ts";
import { openLab, type Lab, type LabConfig } from "../../agent/labhost/lab.ts";

export interface Answer {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A member of a layer; a directory's name ends in a slash, a link has `to`. */
export interface Member extends Partial<Omit<Header, "name" | "type">> {
  readonly name: string;
  readonly type?: Header["type"];
  readonly content?: string;
  readonly to?: string;
}

export interface Layer {
  readonly uuid: string;
  readonly origin?: string;
  readonly members: readonly Member[];
  readonly gzip?: boolean;
  readonly manifest?: Readonly<Record<string, unknown>>;
}

const MTIME = new Date("2020-02-02T02:02:02Z");

export class PoolLab {
  readonly root: string;
  readonly work: string;
  readonly store: DatasetStore;

  /** `base`: the directory it is made in. */
  constructor(clones: LabConfig["clones"] = "overlay", base = tmpdir()) {
    this.work = mkdtempSync(join(base, "zl-p-"));
    this.root = join(this.work, "lab");
    for (const directory of ["lab", "zones"]) mkdirSync(join(this.root, directory), { recursive: true });
    const config: LabConfig = {
      version: 1,
      nicTags: ["admin"],
      serverUuid: "5b5b1d5a-2c6c-4a0e-9d2b-0f3d8f0c9a11",
      hostname: "lab",
      clones,
      privilege: "root",
    };
    writeFileSync(join(this.root, "lab/lab.json"), JSON.stringify(config));
    this.store = datasetStore(this.open());
  }

  open(failpoints = ""): Lab {
    return openLab({ LABHOST_ROOT: this.root, LABHOST_FAILPOINTS: failpoints });
  }

  imgadm(...args: readonly string[]): Promise<Answer> {
    return call(imgadm, this.open(), args);
  }

  zfs(...args: readonly string[]): Promise<Answer> {
    return call(zfs, this.open(), args);
  }

  zpool(...args: readonly string[]): Promise<Answer> {
    return call(zpool, this.open(), args);
  }

  imgadmFailing(failpoints: string, ...args: readonly string[]): Promise<Answer> {
    return call(imgadm, this.open(failpoints), args);
  }

  /** Writes manifest and file of a layer; returns the arguments that install it. */
  async prepare(layer: Layer): Promise<string[]> {
    const file = join(this.work, `${layer.uuid}.tar`);
    await writeTar(file, layer.members, layer.gzip ?? false);
    return this.prepareFile(layer, file);
  }

  prepareFile(layer: Omit<Layer, "members">, file: string): string[] {
    const manifest = join(this.work, `${layer.uuid}.json`);
    writeFileSync(
      manifest,
      JSON.stringify({
        v: 2,
        uuid: layer.uuid,
        name: "docker-layer",
        version: layer.uuid.slice(0, 8),
        type: "docker",
        os: "linux",
        ...(layer.origin !== undefined && { origin: layer.origin }),
        tags: { "docker:id": `sha256:${layer.uuid.replaceAll("-", "")}` },
        ...layer.manifest,
      }),
    );
    return ["install", "-m", manifest, "-f", file];
  }

  async install(layer: Layer): Promise<Answer> {
    return this.imgadm(...(await this.prepare(layer)));
  }

  /** A path in the tree of an image. */
  path(uuid: string, ...parts: readonly string[]): string {
    return join(this.root, "zones", uuid, "root", ...parts);
  }

  read(uuid: string, path: string): string {
    return readFileSync(this.path(uuid, path), "utf8");
  }

  async datasetNames(): Promise<string[]> {
    return (await this.store.list()).map((dataset) => dataset.name);
  }

  /** Clones first, so that every mount goes. */
  async destroy(): Promise<void> {
    for (let left = await this.#filesystems(); left.length > 0; left = await this.#filesystems())
      for (const name of left) await this.store.destroy(name, { recursive: true }).catch(() => undefined);
    rmSync(this.work, { recursive: true, force: true });
  }

  async #filesystems(): Promise<string[]> {
    return (await this.store.list()).filter((d) => d.type === "filesystem" && d.name !== "zones").map((d) => d.name);
  }
}

async function call(command: EmulatedCommand, lab: Lab, args: readonly string[]): Promise<Answer> {
  let stdout = "";
  let stderr = "";
  const status = await command({
    lab,
    args,
    invokedAs: "command",
    stdinIsTerminal: false,
    out: (text) => (stdout += text),
    err: (text) => (stderr += text),
    stdin: () => Promise.resolve(""),
  });
  return { status, stdout, stderr };
}

export async function writeTar(file: string, members: readonly Member[], gzip = false): Promise<void> {
  const archive = pack();
  const written = gzip
    ? pipeline(archive, createGzip(), createWriteStream(file))
    : pipeline(archive, createWriteStream(file));
  for (const { content = "", to, ...header } of members) {
    const type = header.type ?? (header.name.endsWith("/") ? "directory" : to === undefined ? "file" : "symlink");
    const mode = type === "directory" ? 0o755 : 0o644;
    archive.entry({ mode, mtime: MTIME, ...header, type, ...(to !== undefined && { linkname: to }) }, content);
  }
  archive.finalize();
  await written;
}
