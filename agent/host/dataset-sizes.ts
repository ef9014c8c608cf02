// What datasets take, as `zfs list` counts it.
import type { Host } from "./host.ts";

/** By dataset name; bytes. `used` is what would be given back, `referenced` what can be read. */
export type DatasetSizes = ReadonlyMap<string, { readonly used: number; readonly referenced: number }>;

/** File systems and volumes of the pool. Lines that cannot be read are left out. */
export async function datasetSizes(host: Host, pool: string, signal: AbortSignal | undefined): Promise<DatasetSizes> {
  const { stdout } = await host.run("zfs", {
    args: ["list", "-Hp", "-r", "-t", "filesystem,volume", "-o", "name,used,referenced", pool],
    timeoutMs: 60_000,
    mutates: false,
    signal,
  });
  const sizes = new Map<string, { used: number; referenced: number }>();
  for (const line of stdout.split("\n")) {
    const [name, used, referenced] = line.split("\t");
    if (name === undefined || !/^\d+$/.test(used ?? "") || !/^\d+$/.test(referenced ?? "")) continue;
    sizes.set(name, { used: Number(used), referenced: Number(referenced) });
  }
  return sizes;
}
