// Limits of a service: the attributes of its own, `deploy.resources`, and that both say the same.
import type { NeutralApp } from "../../neutral.ts";
import type { SpecPath } from "../../problem.ts";
import { coresOfQuota } from "../cores.ts";
import type { Service } from "./schema.ts";
import type { ServiceContext } from "./service.ts";

type Limits = Pick<NeutralApp, "memoryBytes" | "cpuCores" | "cpuShares"> &
  Partial<Pick<NeutralApp, "memoryRequestBytes" | "cpuRequestCores" | "swapBytes" | "pidsLimit">>;

/** The limits, and where each of them is written. */
export function readLimits(
  service: Service,
  context: ServiceContext,
): { readonly limits: Limits; readonly places: Record<string, SpecPath> } {
  const { report, path } = context;
  const places: Record<string, SpecPath> = {};
  const { limits = {}, reservations = {} } = service.deploy?.resources ?? {};
  for (const [part, key] of [
    ["limits", "devices"],
    ["reservations", "devices"],
    ["reservations", "generic_resources"],
  ] as const) {
    const asked =
      part === "limits" ? limits.devices : key === "devices" ? reservations.devices : reservations.generic_resources;
    if (asked !== undefined && asked !== null)
      report.refuse([...path, "deploy", "resources", part, key], "a zone cannot be given devices");
  }

  /** One value from two places that must agree. 0 is no limit. */
  const agreed = (
    field: string,
    own: number | undefined,
    key: string,
    deployed: number | undefined,
    at: readonly string[],
  ) => {
    const inDeploy = ["deploy", "resources", ...at];
    if (own !== undefined && deployed !== undefined && own !== deployed)
      report.complain([...path, key], `contradicts ${inDeploy.join(".")}`);
    const value = own ?? deployed;
    if (value !== undefined) places[field] = own === undefined ? [...path, ...inDeploy] : [...path, key];
    return value === 0 ? undefined : value;
  };
  const memory = agreed("memoryBytes", service.mem_limit, "mem_limit", limits.memory, ["limits", "memory"]);
  const reserved = agreed("memoryRequestBytes", service.mem_reservation, "mem_reservation", reservations.memory, [
    "reservations",
    "memory",
  ]);
  const cores = agreed("cpuCores", service.cpus, "cpus", limits.cpus, ["limits", "cpus"]);
  const pids = agreed("pidsLimit", service.pids_limit, "pids_limit", limits.pids, ["limits", "pids"]);
  const quota = quotaCores(service, context, places);
  if (quota !== undefined && cores !== undefined) report.complain([...path, "cpu_quota"], "excludes cpus");
  if (memory !== undefined && reserved !== undefined && reserved > memory)
    report.complain(places["memoryRequestBytes"] ?? path, "reserves more memory than the limit");
  const swap = readSwap(service, memory, context);
  if (swap !== undefined) places["swapBytes"] = [...path, "memswap_limit"];
  if (service.cpu_shares !== undefined) places["cpuShares"] = [...path, "cpu_shares"];
  return {
    limits: {
      memoryBytes: memory ?? null,
      cpuCores: cores ?? quota ?? null,
      cpuShares: service.cpu_shares === undefined || service.cpu_shares === 0 ? null : service.cpu_shares,
      ...(reserved === undefined ? {} : { memoryRequestBytes: reserved }),
      ...(reservations.cpus === undefined ? {} : { cpuRequestCores: reservations.cpus }),
      ...(swap === undefined ? {} : { swapBytes: swap }),
      ...(pids === undefined ? {} : { pidsLimit: pids }),
    },
    places,
  };
}

function quotaCores(service: Service, { path }: ServiceContext, places: Record<string, SpecPath>): number | undefined {
  if (service.cpu_quota === undefined || service.cpu_quota === 0) return undefined;
  places["cpuCores"] = [...path, "cpu_quota"];
  return coresOfQuota(service.cpu_quota, service.cpu_period);
}

function readSwap(service: Service, memory: number | undefined, { report, path }: ServiceContext): number | undefined {
  const swap = service.memswap_limit;
  if (swap === undefined || swap === 0) return undefined;
  const at = [...path, "memswap_limit"];
  if (swap === -1) return swap;
  if (memory === undefined) report.complain(at, "needs mem_limit: it limits memory and swap together");
  else if (swap < memory) report.complain(at, "is below the memory limit, which is part of it");
  return swap;
}
