// Runs the health checks of all containers, each when it is due, for as long as somebody listens. A container without a
// check costs one look at its marks when it changes.
import { readdir, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { inlineChain } from "../errors/chain.ts";
import type { HostPaths } from "../host/paths.ts";
import type { Logger } from "../log/logger.ts";
import { isZoneUuid } from "../util/ids.ts";
import type { Vmadm } from "../vmadm/client.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { MARK_KEYS } from "../zoneinit/metadata-keys.ts";
import { healthcheckOf, type Health } from "./health.ts";
import { bootOf } from "./health-state.ts";

export interface HealthRunnerOptions {
  readonly zones: Pick<Vmadm, "events">;
  readonly health: Health;
  readonly paths: HostPaths;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

/** After a check that could not even be tried. */
const AGAIN_MS = 5_000;

/** Timers hold less than a month; what is not due yet after this is waited for again. */
const LONGEST_SLEEP_MS = 3_600_000;

interface Checked {
  vm: VmObject;
  /** Another run, or another check, is another series. */
  readonly series: string;
  readonly stop: AbortController;
}

/** Resolves when `signal` has aborted and nothing runs any more; rejects when the zones cannot be watched for good. */
export async function runHealthChecks({ zones, health, paths, log, signal }: HealthRunnerOptions): Promise<void> {
  const checked = new Map<string, Checked>();
  const running = new Set<Promise<void>>();

  function consider(vm: VmObject): void {
    const boot = bootOf(vm);
    const wanted = boot !== undefined && healthcheckOf(vm) !== undefined;
    const series = wanted ? `${boot} ${String(vm.internal_metadata[MARK_KEYS.health])}` : undefined;
    const known = checked.get(vm.uuid);
    if (known !== undefined && known.series === series) {
      known.vm = vm;
      return;
    }
    forget(vm.uuid);
    if (series === undefined) return;
    const next: Checked = { vm, series, stop: new AbortController() };
    checked.set(vm.uuid, next);
    const loop = checkOnAndOn(next).finally(() => running.delete(loop));
    running.add(loop);
  }

  function forget(zone: string): void {
    checked.get(zone)?.stop.abort();
    checked.delete(zone);
  }

  async function checkOnAndOn(one: Checked): Promise<void> {
    const ended = AbortSignal.any([one.stop.signal, signal]);
    const isOver = (): boolean => ended.aborted;
    while (!isOver()) {
      try {
        const due = health.due(one.vm);
        if (due === undefined) return;
        await sleep(Math.min(Math.max(0, due - Date.now()), LONGEST_SLEEP_MS), undefined, { signal: ended });
        await health.check(one.vm, { signal: ended });
      } catch (error) {
        if (isOver()) return;
        log.warn({ zone: one.vm.uuid, reason: inlineChain(error) }, "health could not be checked");
        await sleep(AGAIN_MS, undefined, { signal: ended }).catch(() => undefined);
      }
    }
  }

  try {
    for await (const event of zones.events({ signal })) {
      switch (event.type) {
        case "ready": {
          for (const uuid of [...checked.keys()]) if (!(uuid in event.vms)) forget(uuid);
          for (const vm of Object.values(event.vms)) consider(vm);
          await dropResults(paths, (uuid) => !(uuid in event.vms));
          break;
        }
        case "create":
        case "modify":
          consider(event.vm);
          break;
        case "delete":
          forget(event.uuid);
          await dropResults(paths, (zone) => zone === event.uuid);
          break;
      }
    }
  } finally {
    for (const uuid of [...checked.keys()]) forget(uuid);
    await Promise.all(running);
  }
}

/** Results of zones that somebody else deleted. */
async function dropResults(paths: HostPaths, gone: (zone: string) => boolean): Promise<void> {
  const names = await readdir(paths.health).catch(() => []);
  const uuids = names.map((name) => name.replace(/\.json$/, "")).filter(isZoneUuid);
  for (const uuid of uuids.filter(gone)) await rm(paths.zoneHealth(uuid), { force: true });
}
