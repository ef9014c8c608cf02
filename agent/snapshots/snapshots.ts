// Snapshots as containerd lists them: all of them, with parent and kind. An image layer is committed, a container's root is
// active, and a snapshot somebody took of a container is committed on top of it (events-and-filters.md 8).
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { AgentError } from "../errors/agent-error.ts";
import { CommandError } from "../exec/errors.ts";
import type { Host } from "../host/host.ts";
import { isZoneUuid } from "../util/ids.ts";
import type { Vmadm } from "../vmadm/client.ts";
import { snapshotName, type SnapshotName, type VmObject } from "../vmadm/schema.ts";
import { containerName } from "../zones/find.ts";
import { isContainerZone, snapshotNames } from "../zones/observe.ts";
import { containerChanges, parseDiffLine, type PathChange } from "./zfs-diff.ts";

export interface SnapshotInfo {
  /** Image uuid, zone uuid, or `<zone uuid>@<name>`. */
  readonly name: string;
  readonly parent: string;
  readonly kind: "committed" | "active";
  /** What it is of: `image`, or the container's name. */
  readonly of: string;
  readonly createdAt: Date;
  /** Bytes that would be free without it. */
  readonly usedBytes: number;
}

export interface SnapshotOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface Snapshots {
  /** Two host commands, whatever their number. */
  list(options?: SnapshotOptions): Promise<readonly SnapshotInfo[]>;
  /** Of a running container as well: what its programs have not written yet is not in it. */
  create(vm: VmObject, name: string, options?: SnapshotOptions): Promise<void>;
  /** No such snapshot is SNAPSHOT_NOT_FOUND. */
  remove(vm: VmObject, name: string, options?: SnapshotOptions): Promise<void>;
  /** Newer snapshots go, the container is stopped the hard way and started again (vmadm.md 3.13). */
  rollback(vm: VmObject, name: string, options?: SnapshotOptions): Promise<void>;
  /**
   * What a container changed in its root since its image, or since a snapshot of it. The platform's own files are left out
   * unless `all`. Costs time by what changed where zfs tells it; the lab host walks both trees.
   */
  diff(
    vm: VmObject,
    options?: SnapshotOptions & { readonly since?: string; readonly all?: boolean },
  ): Promise<readonly PathChange[]>;
}

/** vmadm's prefix of the snapshots it makes (vmadm.md 3.13). */
const PREFIX = "vmsnap-";
const DEADLINE_MS = 120_000;

/**
 * What the platform puts into an lx container's root: mount points of the brand, and dockerinit's files
 * (dockerinit.md 2). Docker lists none of their kind either.
 */
const PLATFORM_PATHS = [
  "/.zonecontrol",
  "/checkpoints",
  "/dev",
  "/etc/hosts",
  "/etc/hostname",
  "/etc/mtab",
  "/etc/resolv.conf",
  "/native",
  "/proc",
  "/sys",
  "/system",
  "/var/run/network",
  "/var/log/sdc-dockerinit.log",
  "/var/svc",
];

export function createSnapshots({ host, vmadm, pool }: { host: Host; vmadm: Vmadm; pool: string }): Snapshots {
  async function zfs(args: readonly string[], what: string, signal?: AbortSignal): Promise<string> {
    try {
      return (await host.run("zfs", { args, timeoutMs: DEADLINE_MS, mutates: false, signal })).stdout;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      throw new AgentError("HOST_COMMAND_FAILED", what, { cause: error });
    }
  }

  return {
    list: async ({ signal } = {}) => {
      const columns = ["name", "origin", "used", "creation"];
      const text = await zfs(
        ["list", "-Hp", "-d", "2", "-t", "filesystem,snapshot", "-o", columns.join(","), "-r", pool],
        "list the datasets",
        signal,
      );
      const zones = (await vmadm.lookup({}, { signal })).filter(isContainerZone);
      return listed(text, pool, new Map(zones.map((vm) => [vm.uuid, vm])));
    },
    create: async (vm, name, { signal } = {}) => {
      await vmadm.createSnapshot(vm.uuid, checkName(name), { signal });
    },
    remove: async (vm, name, { signal } = {}) => {
      await vmadm.deleteSnapshot(vm.uuid, checkName(name), { signal });
    },
    rollback: async (vm, name, { signal } = {}) => {
      await vmadm.rollbackSnapshot(vm.uuid, checkName(name), { signal });
    },
    diff: async (vm, { since, all = false, signal } = {}) => {
      const dataset = `${pool}/${vm.uuid}`;
      if (since !== undefined && !snapshotNames(vm).includes(checkName(since)))
        throw new AgentError("SNAPSHOT_NOT_FOUND", `${containerName(vm)} has no snapshot "${since}"`, {
          hint: 'see "zonelet snapshot ls"',
        });
      const from =
        since !== undefined
          ? `${dataset}@${PREFIX}${checkName(since)}`
          : (
              await zfs(["list", "-Hp", "-o", "origin", dataset], `find the image of ${containerName(vm)}`, signal)
            ).trim();
      if (from === "-" || from === "")
        throw new AgentError(
          "SNAPSHOT_NOT_FOUND",
          `${containerName(vm)} was made of no image, so nothing tells what changed`,
        );
      const text = await zfs(["diff", "-FH", from, dataset], `compare ${containerName(vm)} with ${from}`, signal);
      const changes = text.split("\n").filter(Boolean).map(parseDiffLine);
      const root = join(vm.zonepath, "root");
      const paths = containerChanges(changes, root, (directory) =>
        filesBelow(host.paths.inGlobalZone(root), directory),
      );
      return all ? paths : withoutPlatform(paths);
    },
  };
}

function checkName(name: string): SnapshotName {
  const parsed = snapshotName.safeParse(name);
  if (parsed.success) return parsed.data;
  throw new AgentError("USAGE", `"${name}" cannot name a snapshot`, {
    hint: "1 to 64 letters, digits and -_.:%",
  });
}

/** Datasets that are no image and no zone (volumes, the pool's own) are none of ours to list. */
function listed(text: string, pool: string, zones: ReadonlyMap<string, VmObject>): readonly SnapshotInfo[] {
  const rows = text
    .split("\n")
    .filter((line) => line.startsWith(`${pool}/`))
    .map((line) => {
      const [name = "", origin = "-", used = "", creation = ""] = line.split("\t");
      return {
        name: name.slice(pool.length + 1),
        origin,
        usedBytes: Number(used),
        createdAt: new Date(Number(creation) * 1000),
      };
    });
  const images = new Set(
    rows.filter(({ name }) => name.endsWith("@final")).map(({ name }) => name.replace("@final", "")),
  );
  const origins = new Map(rows.map(({ name, origin }) => [name, originOf(origin, pool)]));
  return rows.flatMap(({ name, usedBytes, createdAt }): SnapshotInfo[] => {
    const [dataset = "", snapshot] = name.split("@");
    const parent = origins.get(dataset) ?? "";
    const vm = isZoneUuid(dataset) ? zones.get(dataset) : undefined;
    const row = { createdAt, usedBytes };
    if (snapshot === undefined && images.has(dataset))
      return [{ name: dataset, parent, kind: "committed", of: "image", ...row }];
    if (!vm) return [];
    if (snapshot === undefined) return [{ name: dataset, parent, kind: "active", of: containerName(vm), ...row }];
    if (!snapshot.startsWith(PREFIX)) return [];
    const own = `${dataset}@${snapshot.slice(PREFIX.length)}`;
    return [{ name: own, parent, kind: "committed", of: containerName(vm), ...row }];
  });
}

function originOf(origin: string, pool: string): string {
  return origin === "-" ? "" : (origin.slice(pool.length + 1).split("@")[0] ?? "");
}

/** Paths below a directory of the container's root, links not followed. What goes away meanwhile is left out. */
function filesBelow(root: string, directory: string): readonly string[] {
  const found: string[] = [];
  const visit = (path: string): void => {
    let names: string[];
    try {
      if (!lstatSync(join(root, path)).isDirectory()) return;
      names = readdirSync(join(root, path));
    } catch {
      return;
    }
    for (const name of names) {
      found.push(`${path}/${name}`);
      visit(`${path}/${name}`);
    }
  };
  visit(directory);
  return found;
}

/** Leaves out the platform's own paths, and directories that were made or changed for nothing but them. */
function withoutPlatform(changes: readonly PathChange[]): readonly PathChange[] {
  const own = (path: string): boolean => PLATFORM_PATHS.some((one) => path === one || path.startsWith(`${one}/`));
  const leadToHidden = new Set<string>();
  const leadToKept = new Set<string>();
  const markAncestors = (path: string, into: Set<string>): void => {
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) into.add(path.slice(0, end));
  };
  for (const { path } of changes) if (own(path)) markAncestors(path, leadToHidden);
  // What is below a directory stands behind it: backwards, its fate is known when the directory comes.
  return changes
    .toReversed()
    .filter(({ path }) => {
      const kept = !own(path) && (!leadToHidden.has(path) || leadToKept.has(path));
      if (kept) markAncestors(path, leadToKept);
      return kept;
    })
    .toReversed();
}
