// What the contract suites run over: a client of each kind, and how to make a container that does something known.
//
// - memory: the twins.
// - lab: the command line over a lab host in a temporary root; containers are real processes.
// - smartos: the command line over the machine itself. Only with CONTRACT_HOST=smartos, on a SmartOS node in the global
//   zone, with CONTRACT_IMAGE naming an installed image of type docker that has a busybox or GNU /bin/sh and /bin/sleep,
//   and CONTRACT_NIC_TAG a nic tag of the node. Zones are made and deleted under fresh uuids; the addresses are from
//   192.0.2.0/24. Never in CI.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { pino } from "pino";
import { createCommandRunner } from "../../agent/exec/run.ts";
import { createHost } from "../../agent/host/host.ts";
import { createImgadmCli } from "../../agent/imgadm/cli.ts";
import type { Imgadm } from "../../agent/imgadm/client.ts";
import { createMemoryImgadm } from "../../agent/imgadm/memory.ts";
import { imageManifestSchema, imageUuid, type ImageManifest } from "../../agent/imgadm/schema.ts";
import { newZoneUuid } from "../../agent/util/ids.ts";
import { createVmadmCli } from "../../agent/vmadm/cli.ts";
import type { Vmadm } from "../../agent/vmadm/client.ts";
import { createMemoryVmadm } from "../../agent/vmadm/memory.ts";
import { zoneManifestSchema, type ZoneManifest } from "../../agent/vmadm/schema.ts";

const run = promisify(execFile);
const log = pino({ level: "silent" });
const MAIN = join(process.cwd(), "agent/labhost/main.ts");

export interface Bench {
  readonly vmadm: Vmadm;
  readonly imgadm: Imgadm;
  /** Uuid of an installed image a container can be made of. */
  readonly image: string;
  readonly nicTag: string;
  /** Directory the suites may put layer files into. */
  readonly scratch: string;
  close(): Promise<void>;
}

/** Runs until it is told to end; a shell as init would ignore TERM. */
export const SLEEPS = ["/bin/sleep", "1000"];
export const exitsWith = (status: number): string[] => ["/bin/sh", "-c", `exit ${status}`];

/** A container of the bench's image, without nics unless told. */
export function aContainer(bench: Bench, cmd: readonly string[], more: Partial<ZoneManifest> = {}): ZoneManifest {
  return zoneManifestSchema.parse({
    uuid: newZoneUuid(),
    brand: "lx",
    docker: true,
    autoboot: false,
    image_uuid: bench.image,
    kernel_version: "4.3.0",
    max_physical_memory: 64,
    quota: 1,
    internal_metadata: { "docker:cmd": JSON.stringify(cmd) },
    ...more,
  });
}

/** Manifest of a docker layer in `file`. */
export async function layerManifest(file: string, origin?: string): Promise<ImageManifest> {
  const bytes = await readFile(file);
  const sha256 = createHash("sha256").update(bytes).update(newZoneUuid()).digest("hex");
  return imageManifestSchema.parse({
    v: 2,
    uuid: newZoneUuid(),
    name: "docker-layer",
    version: sha256.slice(0, 12),
    type: "docker",
    os: "linux",
    published_at: "2025-01-20T19:24:01.000Z",
    ...(origin === undefined ? {} : { origin }),
    tags: { "docker:id": `sha256:${sha256}`, "docker:repo": "contract" },
    files: [
      { sha1: createHash("sha1").update(bytes).digest("hex"), size: (await stat(file)).size, compression: "none" },
    ],
  });
}

/** A tar of a root file system that holds a static busybox, or of one small file. */
export async function buildLayer(scratch: string, name: string, kind: "busybox" | "file"): Promise<string> {
  const tree = join(scratch, `${name}-tree`);
  for (const directory of ["bin", "etc", "tmp", "dev", "proc"]) await mkdir(join(tree, directory), { recursive: true });
  if (kind === "busybox") {
    await copyFile("/bin/busybox", join(tree, "bin/busybox"));
    await chmod(join(tree, "bin/busybox"), 0o755);
    for (const applet of ["sh", "sleep", "cat", "true"]) await symlink("busybox", join(tree, "bin", applet));
    await writeFile(join(tree, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
    await writeFile(join(tree, "etc/group"), "root:x:0:\n");
  } else await writeFile(join(tree, "etc/motd"), `${name}\n`);
  const file = join(scratch, `${name}.tar`);
  await run("tar", ["--numeric-owner", "--owner=0", "--group=0", "-cf", file, "-C", tree, "."]);
  await rm(tree, { recursive: true });
  return file;
}

export async function memoryBench(): Promise<Bench> {
  const scratch = await mkdtemp(join(tmpdir(), "zl-"));
  const layer = await buildLayer(scratch, "base", "file");
  const manifest = await layerManifest(layer);
  const vmadm = createMemoryVmadm({
    images: [manifest.uuid],
    nicTags: ["external"],
    onBoot: (zone) => {
      const status = /"exit (\d+)"/.exec(String(zone.internal_metadata["docker:cmd"]))?.[1];
      return status === undefined ? undefined : Number(status);
    },
  });
  const zones = new Map<string, string>();
  const imgadm = createMemoryImgadm({
    images: [manifest],
    clonesOf: (image) => [...zones].filter(([, of]) => of === image).map(([zone]) => `zones/${zone}`),
  });
  return {
    vmadm: {
      ...vmadm,
      create: async (given, options) => {
        await vmadm.create(given, options);
        zones.set(given.uuid, given.image_uuid);
      },
      delete: async (zone, options) => {
        await vmadm.delete(zone, options);
        zones.delete(zone);
      },
    },
    imgadm,
    image: manifest.uuid,
    nicTag: "external",
    scratch,
    close: () => rm(scratch, { recursive: true, force: true }),
  };
}

export async function labBench(): Promise<Bench> {
  const work = await mkdtemp(join(tmpdir(), "zl-"));
  const root = join(work, "l");
  const env = {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    LABHOST_ROOT: root,
    HOME: work,
    NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? "",
  };
  const tend = (...args: string[]) => run(process.execPath, [MAIN, ...args], { env });
  await tend("init");
  const runner = createCommandRunner({ env: { ...env, LC_ALL: "C" } });
  const host = createHost({ root, binDirs: [join(root, "bin")], runner });
  const imgadm = createImgadmCli(host, log, { pool: "zones" });
  const close = async (): Promise<void> => {
    await tend("destroy", "--yes");
    await rm(work, { recursive: true, force: true });
  };
  try {
    const layer = await buildLayer(work, "base", "busybox");
    const manifest = await layerManifest(layer);
    await imgadm.install(manifest, layer);
    const image = manifest.uuid;
    return { vmadm: createVmadmCli(host, log), imgadm, image, nicTag: "external", scratch: work, close };
  } catch (error) {
    await close();
    throw error;
  }
}

export async function smartosBench(): Promise<Bench> {
  const runner = createCommandRunner({ env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" } });
  const host = createHost({ root: "/", binDirs: [], runner });
  const scratch = await mkdtemp("/var/tmp/zl-");
  return {
    vmadm: createVmadmCli(host, log),
    imgadm: createImgadmCli(host, log, { pool: "zones" }),
    image: imageUuid.parse(process.env["CONTRACT_IMAGE"]),
    nicTag: process.env["CONTRACT_NIC_TAG"] ?? "external",
    scratch,
    close: () => rm(scratch, { recursive: true, force: true }),
  };
}

/** The benches of this run: both of our own, or the real platform alone. */
export const BENCHES: readonly (readonly [string, () => Promise<Bench>])[] =
  process.env["CONTRACT_HOST"] === "smartos"
    ? [["SmartOS", smartosBench]]
    : [
        ["memory twin", memoryBench],
        ["lab host", labBench],
      ];
