// What the subcommands of vmadm work on. Tests put fakes in the place of pool and runtime.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandContext } from "../../command.ts";
import { datasetStore, type Dataset, type DatasetStore } from "../../datasets.ts";
import { FailpointError } from "../../failpoints.ts";
import type { Lab } from "../../lab.ts";
import * as runtime from "../../runtime.ts";
import { createZoneCgroup, zoneCaps } from "../../runtime/cgroups.ts";
import type { LabVm } from "../../lab-vm.ts";
import { listZoneUuids, loadVm } from "../../zone-store.ts";
import { VmError } from "../../vm/vm-error.ts";
import type { PayloadWorld } from "../../vm/validate.ts";
import { NO_PID } from "../../vm/vm-object.ts";
import { datasetFacts } from "./dataset-facts.ts";

export interface ZoneRuntimes {
  readonly boot: (lab: Lab, uuid: string) => Promise<void>;
  readonly halt: (lab: Lab, uuid: string) => Promise<boolean>;
  readonly signal: (lab: Lab, uuid: string, signal: NodeJS.Signals) => Promise<boolean>;
  readonly read: (lab: Lab, uuid: string) => runtime.ZoneRuntime;
  /** `prctl`: gives a running zone the caps its object names. */
  readonly applyCaps: (lab: Lab, vm: LabVm) => void;
}

export interface VmHost {
  readonly context: CommandContext;
  readonly lab: Lab;
  readonly datasets: DatasetStore;
  readonly zones: ZoneRuntimes;
  readonly env: NodeJS.ProcessEnv;
}

export interface Outcome {
  readonly stdout?: string;
  /** Without the line end. */
  readonly stderr?: string;
  readonly exit?: number;
}

export type Subcommand = (host: VmHost, args: readonly string[]) => Promise<Outcome>;

export function vmHost(context: CommandContext): VmHost {
  return {
    context,
    lab: context.lab,
    datasets: datasetStore(context.lab),
    zones: {
      boot: runtime.bootZone,
      halt: runtime.haltZone,
      signal: runtime.signalInit,
      read: runtime.zoneRuntime,
      applyCaps: (lab, vm) => void createZoneCgroup(lab, vm.uuid, zoneCaps(vm)),
    },
    env: process.env,
  };
}

/** A place where misbehaviour can be ordered; an `error(text)` fails as a child program would. */
export async function hit(host: VmHost, place: string): Promise<void> {
  try {
    await host.lab.failpoints.hit(`vmadm.${place}`);
  } catch (error) {
    if (error instanceof FailpointError) throw new VmError(`Command failed: ${error.message}`);
    throw error;
  }
}

/** The complete object of one zone; undefined: no such zone. */
export async function getVm(host: VmHost, uuid: string): Promise<LabVm | undefined> {
  return completeVm(host, uuid, await host.datasets.list());
}

/** Every zone's complete object: what vminfod would answer. */
export async function allVms(host: VmHost): Promise<LabVm[]> {
  const datasets = await host.datasets.list();
  return listZoneUuids(host.lab).flatMap((uuid) => completeVm(host, uuid, datasets) ?? []);
}

/** The zone without its dataset fields, for those who only ask for state and configuration. */
export function lookAt(host: VmHost, uuid: string): LabVm | undefined {
  return loadVm(host.lab, uuid, { runtime: host.zones.read });
}

/** Pid of a running init; undefined also while init is gone and the zone still goes down. */
export function initPid(host: VmHost, uuid: string): number | undefined {
  const { pid, zoneState } = host.zones.read(host.lab, uuid);
  return zoneState === "running" && pid !== NO_PID ? pid : undefined;
}

function completeVm(host: VmHost, uuid: string, datasets: readonly Dataset[]): LabVm | undefined {
  return loadVm(host.lab, uuid, { runtime: host.zones.read, datasets: datasetFacts(`zones/${uuid}`, datasets) });
}

/** Images and pools as `imgadm get` and `zpool list` would tell them: an image is there when its dataset is. */
export async function payloadWorld(host: VmHost): Promise<PayloadWorld> {
  const datasets = new Set((await host.datasets.list()).map((dataset) => dataset.name));
  return {
    zpools: ["zones"],
    imageType: (uuid) => (datasets.has(`zones/${uuid}`) ? manifestType(host.lab, uuid) : undefined),
  };
}

function manifestType(lab: Lab, uuid: string): string | undefined {
  try {
    const text = readFileSync(join(lab.path("/var/imgadm/images"), `zones-${uuid}.json`), "utf8");
    return (JSON.parse(text) as { manifest?: { type?: string } }).manifest?.type;
  } catch {
    return undefined; // a dataset without manifest has no type
  }
}
