// Several declared containers brought to what is asked for, one after another in the order they are started. Every step
// is one that may be repeated: killed anywhere and asked again, it ends in the same place.
import type { Containers } from "./containers.ts";
import type { VerbOptions } from "./verb-options.ts";
import type { Groups } from "./groups.ts";
import type { Launched } from "./launch.ts";
import type { GroupPlace } from "../spec/resolved.ts";
import type { ContainerName } from "../util/ids.ts";
import type { VmObject } from "../vmadm/schema.ts";
import type { ZonePlan } from "./plan-zone.ts";

export interface Declared {
  readonly name: ContainerName;
  readonly group: GroupPlace | undefined;
  readonly vm: VmObject | undefined;
  readonly plan: Exclude<ZonePlan, { do: "refuse" }>;
  launch(): Promise<Launched>;
}

export type Outcome = "created" | "started" | "recreated" | "unchanged";

export interface DeployDependencies {
  readonly containers: Containers;
  readonly groups: Groups;
}

/** Told of each container once it is as declared. */
export type OnDeployed = (declared: Declared, outcome: Outcome, launched: Launched | undefined) => Promise<void>;

export interface DeployOptions extends VerbOptions {
  /** `stopped`: they are made only, so there is nothing to wait for. Default: running. */
  readonly want?: "running" | "stopped";
}

/** Brings them there. Rejects with the first failure; what was done before it stays. */
export async function deploy(
  list: readonly Declared[],
  { containers, groups }: DeployDependencies,
  onDeployed: OnDeployed,
  options: DeployOptions = {},
): Promise<void> {
  const starting = options.want !== "stopped";
  for (const declared of list) {
    options.signal?.throwIfAborted();
    const { name, group, plan } = declared;
    for (const after of starting && plan.do !== "keep" ? (group?.after ?? []) : [])
      await groups.awaitCondition(after, options);
    let launched: Launched | undefined;
    switch (plan.do) {
      case "keep":
        break;
      case "start":
        await containers.start(name, options);
        break;
      case "recreate":
        if (declared.vm?.state === "running") await containers.stop(name, options);
        await containers.remove(name, { ...options, force: true });
        launched = await declared.launch();
        break;
      case "create":
        launched = await declared.launch();
        break;
    }
    // Kept is also one that still runs, begun by a command that was killed.
    if (starting && group?.role === "init") await groups.awaitInit(name, options);
    await onDeployed(declared, OUTCOMES[plan.do], launched);
  }
}

const OUTCOMES: Readonly<Record<Declared["plan"]["do"], Outcome>> = {
  keep: "unchanged",
  start: "started",
  recreate: "recreated",
  create: "created",
};
