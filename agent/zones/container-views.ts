// Zones with all that the node knows of them, for whoever shows them.
import { lstatSync } from "node:fs";
import { BlockList, isIPv4 } from "node:net";
import type { Config } from "../config/schema.ts";
import {
  containerFacts,
  type ContainerFacts,
  type HealthFacts,
  type NicFacts,
  type StartFailure,
} from "../docker-view/facts.ts";
import { restartDelayMs } from "../docker-view/restart-policy.ts";
import type { DiskUse, NodeSurroundings } from "../docker-view/surroundings.ts";
import type { HostPaths } from "../host/paths.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { explainsExit, readBootFailure } from "./boot-log.ts";
import { healthcheckOf, readHealth } from "./health.ts";
import { bootOf, isStale, stateOf } from "./health-state.ts";
import { wasKilled } from "./known-exit.ts";
import { hasEnded, isOurs } from "./observe.ts";
import type { ZoneRecord } from "./record.ts";

export interface ContainerView {
  readonly vm: VmObject;
  readonly facts: ContainerFacts;
  readonly surroundings: NodeSurroundings;
  /** Made by the agent. */
  readonly managed: boolean;
}

export interface ViewSources {
  readonly records: readonly ZoneRecord[];
  readonly config: Pick<Config, "networks" | "packages">;
  readonly paths: HostPaths;
  /** Absent: sizes are not shown. */
  readonly disk?: ReadonlyMap<string, DiskUse> | undefined;
}

/** Reads nothing but the boot logs of containers that ended the way dockerinit ends them, and results of health checks. */
export function containerViews(vms: readonly VmObject[], sources: ViewSources): ContainerView[] {
  const records = new Map<string, ZoneRecord>(sources.records.map((record) => [record.uuid, record]));
  const networkName = (nic: NicFacts): string | undefined => networkOf(nic, sources.config.networks);
  return vms.map((vm) => ({
    vm,
    facts: containerFacts(vm, {
      startFailure: startFailure(vm, sources.paths),
      killed: wasKilled(vm, records.get(vm.uuid), sources.paths),
      health: healthFacts(vm, sources.paths),
      nextStart: nextStart(vm, sources.paths),
    }),
    surroundings: {
      // The node's firewall rules are not read: fwadm is not among the commands the agent runs.
      firewallRules: [],
      links: [],
      networkName,
      packageName: sources.config.packages.find((one) => one.uuid === vm["billing_id"])?.name,
      disk: sources.disk?.get(vm.uuid),
    },
    managed: isOurs(vm) || records.has(vm.uuid),
  }));
}

function startFailure(vm: VmObject, paths: HostPaths): StartFailure | undefined {
  if (vm.state !== "stopped" || vm.exit_status === undefined || vm.exit_status === 0) return undefined;
  const failure = readBootFailure(paths.inGlobalZone(`${vm.zonepath}/root`));
  return failure && explainsExit(failure, vm.exit_status)
    ? { message: failure.message, code: failure.dockerCode }
    : undefined;
}

/** When vmadmd starts it again by its policy; undefined where it does not, or that is not known. */
function nextStart(vm: VmObject, paths: HostPaths): Date | undefined {
  if (vm.state !== "stopped" || vm.exit_timestamp === undefined || hasEnded(vm)) return undefined;
  const exited = changedMs(`${vm.zonepath}/lastexited`, paths);
  const booted = changedMs(`${vm.zonepath}/lastbooted`, paths);
  const { restartCount = 0, restartDelayMs: recorded } = containerFacts(vm);
  const ranForMs = exited === undefined || booted === undefined ? undefined : exited - booted;
  const delayMs = restartDelayMs({ recorded, restartCount, ranForMs });
  return exited === undefined || delayMs === undefined ? undefined : new Date(exited + delayMs);
}

/** Both files are the global zone's: the zone cannot reach them. */
function changedMs(path: string, paths: HostPaths): number | undefined {
  return lstatSync(paths.inGlobalZone(path), { throwIfNoEntry: false })?.mtimeMs;
}

/** As under Docker one that has ended is unhealthy. */
function healthFacts(vm: VmObject, paths: HostPaths): HealthFacts | undefined {
  const check = healthcheckOf(vm);
  if (check === undefined) return undefined;
  const known = readHealth(paths, vm.uuid);
  const boot = bootOf(vm);
  if (boot === undefined) return known === undefined ? undefined : { ...known, status: "unhealthy" };
  const state = stateOf(boot, known);
  const stale = isStale(state, check, Date.parse(vm.boot_timestamp ?? ""), Date.now());
  return stale ? { ...state, status: "unknown" } : state;
}

/** The configured network a nic is in: by its tag, then by its address where several share the tag. */
function networkOf(nic: NicFacts, networks: Config["networks"]): string | undefined {
  const sharing = Object.entries(networks).filter(([, network]) => network.nicTag === nic.nicTag);
  const within = sharing.find(([, { subnet }]) => subnet !== undefined && contains(subnet, nic.address));
  return (within ?? sharing[0])?.[0];
}

function contains(subnet: string, address: string | undefined): boolean {
  const [base = "", length] = subnet.split("/");
  if (address === undefined || !isIPv4(address)) return false;
  const list = new BlockList();
  list.addSubnet(base, Number(length));
  return list.check(address);
}
