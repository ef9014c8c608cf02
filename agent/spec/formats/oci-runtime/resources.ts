// Limits of an OCI runtime configuration: Linux's control groups and Solaris' zone caps (container-specs.md 7).
import { parseByteSize } from "../../../util/units.ts";
import type { NeutralApp } from "../../neutral.ts";
import { coresOfQuota } from "../cores.ts";
import type { Report } from "../format.ts";
import { parseCoresQuantity } from "../quantity.ts";
import type { OciResources, OciSolaris } from "./config.ts";

type Limits = Pick<NeutralApp, "memoryRequestBytes" | "swapBytes" | "pidsLimit" | "limitPriv"> &
  Partial<Pick<NeutralApp, "memoryBytes" | "cpuCores" | "cpuShares">>;

/** Character devices every container has: null, zero, full, random, urandom, tty, console, ptmx and the terminals. */
const STANDARD_DEVICES = new Set(["1:3", "1:5", "1:7", "1:8", "1:9", "5:0", "5:1", "5:2"]);
const TERMINALS = 136;

/** Limits of control groups; unlimited ones are left out, unlimited swap is -1. */
export function readResources({ memory, cpu, pids, devices }: OciResources, report: Report): Limits {
  const opened = devices.some(({ allow, type, major, minor }) => {
    const standard = type === "c" && (major === TERMINALS || STANDARD_DEVICES.has(`${major}:${minor}`));
    return allow && !standard;
  });
  if (opened) report.warn(["linux", "resources", "devices"], "a zone has the devices of its brand and no others");
  const { quota, period, shares } = cpu ?? {};
  return {
    ...limited("memoryBytes", memory?.limit),
    ...limited("memoryRequestBytes", memory?.reservation),
    ...(memory?.swap === undefined ? {} : { swapBytes: memory.swap }),
    ...(quota === undefined || quota < 0 ? {} : { cpuCores: coresOfQuota(quota, period) }),
    ...(shares === undefined ? {} : { cpuShares: shares }),
    ...limited("pidsLimit", pids?.limit),
  };
}

/** Caps of a Solaris zone, which ours are. */
export function readSolaris(solaris: OciSolaris, report: Report): Limits {
  const { cappedCPU, cappedMemory, limitpriv } = solaris;
  const ncpus = cappedCPU?.ncpus;
  const cpuCores = ncpus === undefined || !/^\d+(\.\d+)?$/.test(ncpus) ? undefined : parseCoresQuantity(ncpus);
  if (ncpus !== undefined && (cpuCores === undefined || cpuCores === 0))
    report.complain(["solaris", "cappedCPU", "ncpus"], `${JSON.stringify(ncpus)} is not a number of CPUs such as 1.25`);
  const size = (key: "physical" | "swap"): number | undefined => {
    const text = cappedMemory?.[key];
    if (text === undefined) return undefined;
    const bytes = /^\d+(\.\d+)?[KMGT]?$/i.test(text) ? parseByteSize(text) : undefined;
    if (bytes === undefined)
      report.complain(["solaris", "cappedMemory", key], `${JSON.stringify(text)} is not a size such as 512m`);
    return bytes;
  };
  return {
    ...limited("memoryBytes", size("physical")),
    ...limited("swapBytes", size("swap")),
    ...limited("cpuCores", cpuCores),
    ...(limitpriv === undefined ? {} : { limitPriv: limitpriv }),
  };
}

function limited<K extends keyof Limits>(key: K, value: number | undefined): { [P in K]?: number } | undefined {
  if (value === undefined || value < 0) return undefined;
  const result: { [P in K]?: number } = {};
  result[key] = value;
  return result;
}
