// Sums over the datasets of a node, under the keys head nodes store (amqp-head-node.md 12.3).
import { z } from "zod";
import type { VmObject } from "../../vmadm/schema.ts";
import type { DatasetFacts, NodeFacts } from "./facts.ts";

export interface DiskInfo {
  readonly kvm_zvol_used_bytes: number;
  readonly kvm_zvol_volsize_bytes: number;
  readonly kvm_quota_bytes: number;
  readonly kvm_quota_used_bytes: number;
  readonly zone_quota_bytes: number;
  readonly zone_quota_used_bytes: number;
  readonly cores_quota_bytes: number;
  readonly cores_quota_used_bytes: number;
  readonly installed_images_used_bytes: number;
  readonly pool_size_bytes: number;
  readonly pool_alloc_bytes: number;
  readonly system_used_bytes: number;
}

/** The pool the figures of the pool are about, whatever others there are. */
const MAIN_POOL = "zones";
const HARDWARE_BRANDS: readonly string[] = ["kvm", "bhyve"];
const ZVOL = "/dev/zvol/rdsk/";

const disksSchema = z.object({ disks: z.array(z.looseObject({ path: z.string().optional() })) });

/**
 * Hidden zones count, because their bytes are used. A disk of a hardware VM that lies inside the VM's own dataset is
 * taken out of that dataset's figures, so that no byte is counted twice and `system_used_bytes` is what is left of the
 * pool. It may be negative while datasets change (AGENT-1029).
 */
export function diskInfo(facts: NodeFacts): DiskInfo {
  const sums = { zvolUsed: 0, zvolSize: 0, vmQuota: 0, vmUsed: 0, quota: 0, used: 0, coresQuota: 0, coresUsed: 0 };
  for (const zone of facts.zones) {
    const root = datasetOfPath(zone.zonepath);
    const own = facts.datasets.get(root);
    if (HARDWARE_BRANDS.includes(zone.brand)) {
      const disks = volumesOf(zone, facts.datasets);
      const inside = disks.filter(([name]) => name.startsWith(`${root}/`)).map(([, volume]) => volume);
      sums.zvolUsed += total(disks.map(([, volume]) => volume.usedBytes));
      sums.zvolSize += total(disks.map(([, volume]) => volume.volumeBytes));
      sums.vmQuota += Math.max(0, (own?.quotaBytes ?? 0) - total(inside.map(({ volumeBytes }) => volumeBytes)));
      sums.vmUsed += Math.max(0, (own?.usedBytes ?? 0) - total(inside.map(({ usedBytes }) => usedBytes)));
    } else {
      sums.quota += own?.quotaBytes ?? 0;
      sums.used += own?.usedBytes ?? 0;
    }
    const cores = facts.datasets.get(`${root}/cores`) ?? facts.datasets.get(`${MAIN_POOL}/cores/${zone.uuid}`);
    sums.coresQuota += cores?.quotaBytes ?? 0;
    sums.coresUsed += cores?.usedBytes ?? 0;
  }
  const images = imagesUsed(facts);
  const pool = facts.pools.get(MAIN_POOL);
  const allocated = pool?.usedBytes ?? 0;
  return {
    kvm_zvol_used_bytes: sums.zvolUsed,
    kvm_zvol_volsize_bytes: sums.zvolSize,
    kvm_quota_bytes: sums.vmQuota,
    kvm_quota_used_bytes: sums.vmUsed,
    zone_quota_bytes: sums.quota,
    zone_quota_used_bytes: sums.used,
    cores_quota_bytes: sums.coresQuota,
    cores_quota_used_bytes: sums.coresUsed,
    installed_images_used_bytes: images,
    pool_size_bytes: allocated + (pool?.availableBytes ?? 0),
    pool_alloc_bytes: allocated,
    system_used_bytes: allocated - sums.zvolUsed - sums.vmUsed - sums.used - sums.coresUsed - images,
  };
}

function datasetOfPath(zonepath: string): string {
  return zonepath.replace(/^\//, "");
}

function volumesOf(zone: VmObject, datasets: NodeFacts["datasets"]): (readonly [name: string, volume: DatasetFacts])[] {
  const disks = disksSchema.safeParse(zone).data?.disks ?? [];
  return disks.flatMap(({ path }) => {
    if (path?.startsWith(ZVOL) !== true) return [];
    const name = path.slice(ZVOL.length);
    const volume = datasets.get(name);
    return volume === undefined ? [] : [[name, volume] as const];
  });
}

/** Datasets `<pool>/<uuid>` of installed images. */
function imagesUsed({ datasets, installedImages, pools }: NodeFacts): number {
  let sum = 0;
  for (const pool of pools.keys())
    for (const image of installedImages) sum += datasets.get(`${pool}/${image}`)?.usedBytes ?? 0;
  return sum;
}

function total(values: readonly (number | undefined)[]): number {
  return values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}
