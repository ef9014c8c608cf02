// What containers take on disk, by ZFS: a zone's dataset is a clone of its image's, so "used" is what it wrote itself.
import type { DiskUse } from "../docker-view/surroundings.ts";
import type { Host } from "../host/host.ts";

const LIST_DEADLINE_MS = 60_000;

/** By uuid of the zone; one `zfs list`. Zones without a dataset are missing. */
export async function diskUse(host: Host, pool: string, signal?: AbortSignal): Promise<ReadonlyMap<string, DiskUse>> {
  const { stdout } = await host.run("zfs", {
    args: ["list", "-Hp", "-d", "1", "-t", "filesystem", "-o", "name,used,referenced", pool],
    timeoutMs: LIST_DEADLINE_MS,
    mutates: false,
    signal,
  });
  const rows = stdout.split("\n").flatMap((line): [string, DiskUse][] => {
    const [name = "", used, referenced] = line.split("\t");
    const sizes = [Number(used), Number(referenced)] as const;
    return sizes.every(Number.isSafeInteger)
      ? [[name.slice(pool.length + 1), { written: sizes[0], total: sizes[1] }]]
      : [];
  });
  return new Map(rows);
}
