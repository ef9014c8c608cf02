// Limits of a create request, by the rules of Docker's daemon (container-specs.md 3).
import { MIB } from "../../../util/units.ts";
import type { NeutralApp } from "../../neutral.ts";
import { coresOfQuota } from "../cores.ts";
import type { Report } from "../format.ts";
import type { DockerHostConfig } from "./body.ts";

const MEMORY_FLOOR = 6 * MIB;
const NANOS_PER_THOUSANDTH = 1_000_000;

type Limits = Pick<
  NeutralApp,
  "memoryBytes" | "memoryRequestBytes" | "swapBytes" | "cpuCores" | "cpuShares" | "pidsLimit" | "ioWeight"
>;

export function readLimits(host: DockerHostConfig, report: Report): Limits {
  checkMemory(host, report);
  const { Memory, MemorySwap, MemoryReservation, CpuShares, PidsLimit, BlkioWeight } = host;
  return {
    memoryBytes: Memory ?? null,
    ...(MemoryReservation === undefined ? {} : { memoryRequestBytes: MemoryReservation }),
    ...(MemorySwap === undefined ? {} : { swapBytes: MemorySwap }),
    cpuCores: readCores(host, report),
    cpuShares: CpuShares ?? null,
    // -1 is unlimited, as 0 is.
    ...(PidsLimit === undefined || PidsLimit < 0 ? {} : { pidsLimit: PidsLimit }),
    ...(BlkioWeight === undefined ? {} : { ioWeight: BlkioWeight }),
  };
}

function checkMemory({ Memory, MemorySwap, MemoryReservation }: DockerHostConfig, report: Report): void {
  const complain = (key: string, message: string): void => {
    report.complain(["HostConfig", key], message);
  };
  if (Memory !== undefined && Memory < MEMORY_FLOOR) complain("Memory", "must be at least 6291456 (6 MiB)");
  if (MemoryReservation !== undefined && MemoryReservation < MEMORY_FLOOR)
    complain("MemoryReservation", "must be at least 6291456 (6 MiB)");
  if (Memory !== undefined && MemoryReservation !== undefined && MemoryReservation > Memory)
    complain("MemoryReservation", "must not be greater than Memory");
  if (MemorySwap === undefined || MemorySwap === -1) return;
  if (MemorySwap < 0) complain("MemorySwap", "must not be negative, but -1 for no limit");
  else if (Memory === undefined) complain("MemorySwap", "needs Memory: it counts memory plus swap");
  else if (MemorySwap < Memory) complain("MemorySwap", "must not be less than Memory: it counts memory plus swap");
}

function readCores({ NanoCpus, CpuQuota, CpuPeriod }: DockerHostConfig, report: Report): number | null {
  const complain = (key: string, message: string): void => {
    report.complain(["HostConfig", key], message);
  };
  if (NanoCpus !== undefined && (CpuQuota !== undefined || CpuPeriod !== undefined))
    complain("NanoCpus", "cannot be combined with CpuQuota or CpuPeriod");
  if (CpuPeriod !== undefined && (CpuPeriod < 1000 || CpuPeriod > 1_000_000))
    complain("CpuPeriod", "must be from 1000 to 1000000 (µs)");
  if (CpuQuota !== undefined && CpuQuota > 0 && CpuQuota < 1000) complain("CpuQuota", "must be at least 1000 (µs)");
  if (NanoCpus !== undefined) return Math.ceil(NanoCpus / NANOS_PER_THOUSANDTH) / 1000;
  return CpuQuota === undefined || CpuQuota < 0 ? null : coresOfQuota(CpuQuota, CpuPeriod);
}
