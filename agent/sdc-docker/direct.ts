// Direct numbers, where there is no package service (sdc-docker.md 10.3): the formulas of the predecessor's stand-alone
// backend. It was never finished: it knew neither image nor command, and lost CpuShares on the way.
import { DOCKER_KEYS as KEY } from "../zoneinit/metadata-keys.ts";
import { MIB } from "../util/units.ts";
import { isMembers, member, textOf } from "./members.ts";
import { invalid } from "./refuse.ts";

const MEMORY_MIB = 8192;
const QUOTA_GIB = 100;
const MAX_LWPS = 2000;
const IO_PRIORITY = 100;

/** Sizes are rounded up to whole MiB, as vmadm wants integers; the original divided only. */
export function directPayload(body: unknown, newUuid: () => string): Record<string, unknown> {
  if (!isMembers(body)) throw invalid('"body" must be an object');
  const [name, hostname, domainname] = ["Name", "Hostname", "Domainname"].map((key) => textOf(body, key) ?? "");
  const memory = mebibytes(member(body, "Memory")) ?? MEMORY_MIB;
  const uuid = newUuid();
  return {
    uuid,
    brand: "lx",
    docker: true,
    autoboot: false,
    init_name: "/native/usr/vm/sbin/dockerinit",
    kernel_version: "3.13.0",
    ...(name === "" ? {} : { alias: name?.replace(/^\/+/, "") }),
    ...(hostname === "" ? {} : { hostname }),
    ...(domainname === "" ? {} : { dns_domain: domainname }),
    max_physical_memory: memory,
    max_locked_memory: memory,
    max_swap: mebibytes(member(body, "MemorySwap")) ?? 2 * memory,
    quota: QUOTA_GIB,
    max_lwps: MAX_LWPS,
    tmpfs: 0,
    zfs_io_priority: IO_PRIORITY,
    internal_metadata: { [KEY.id]: (uuid + newUuid()).replaceAll("-", "") },
  };
}

function mebibytes(bytes: unknown): number | undefined {
  return typeof bytes === "number" && Number.isFinite(bytes) && bytes > 0 ? Math.ceil(bytes / MIB) : undefined;
}
