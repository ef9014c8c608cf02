// Health checks: whoever wants to know runs those that are due, and finds what others have found. The daemon wants to
// know of all containers (health-runner.ts); a command that waits for one runs its checks where no daemon does.
//
// The results are a file per container, so that they are known without a daemon. They are of one run of the container and
// say so: after a boot they mean nothing.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AgentError } from "../errors/agent-error.ts";
import type { Host } from "../host/host.ts";
import type { HostPaths } from "../host/paths.ts";
import { parseHealthMark, type Healthcheck } from "../spec/healthcheck.ts";
import { writeFileAtomic } from "../util/atomic-file.ts";
import type { ZoneUuid } from "../util/ids.ts";
import { withLock } from "../util/lock.ts";
import { Slots } from "../util/slots.ts";
import type { Vmadm } from "../vmadm/client.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { MARK_KEYS } from "../zoneinit/metadata-keys.ts";
import type { VerbOptions } from "./verb-options.ts";
import { containerName } from "./find.ts";
import { probeHealth } from "./health-probe.ts";
import { bootOf, dueAt, healthStateSchema, stateOf, withResult, type HealthState } from "./health-state.ts";
import { exitOf, hasEnded, isOurs } from "./observe.ts";
import { watchZones } from "./watch.ts";

export interface Health {
  /**
   * Runs the container's check if it is due (or `force`), and resolves to what is known then. One check of a container at
   * a time, in all processes; a few at once over all. Raises HEALTH_UNCHECKED where there is none, CONTAINER_NOT_RUNNING.
   */
  check(
    vm: VmObject,
    options?: { readonly force?: boolean; readonly signal?: AbortSignal | undefined },
  ): Promise<HealthState>;
  /** When the next check is due, in milliseconds since 1970; undefined for containers that are not checked. */
  due(vm: VmObject): number | undefined;
  /**
   * Resolves when the container is healthy; at once where it runs and has no check. Raises CONTAINER_UNHEALTHY when it has
   * become unhealthy or ended, DEADLINE after `timeoutMs`.
   */
  awaitHealthy(vm: VmObject, options?: VerbOptions & { readonly timeoutMs?: number | undefined }): Promise<void>;
}

export interface HealthDependencies {
  readonly host: Host;
  readonly vmadm: Pick<Vmadm, "events">;
  /** Told of every change to healthy or unhealthy; at least once, also when we are killed in between. */
  readonly onChange: (vm: VmObject, status: "healthy" | "unhealthy") => Promise<void>;
}

/** Checks that run at the same time. */
const AT_ONCE = 4;

export function healthcheckOf(vm: VmObject): Healthcheck | undefined {
  return isOurs(vm) ? parseHealthMark(vm.internal_metadata[MARK_KEYS.health]) : undefined;
}

/** What is kept of a container's checks, of whichever run. What cannot be read is not known. */
export function readHealth(paths: HostPaths, zone: ZoneUuid): HealthState | undefined {
  try {
    return healthStateSchema.safeParse(JSON.parse(readFileSync(paths.zoneHealth(zone), "utf8"))).data;
  } catch {
    return undefined;
  }
}

export function createHealth({ host, vmadm, onChange }: HealthDependencies): Health {
  const { paths } = host;
  const slots = new Slots(AT_ONCE);

  const write = (zone: ZoneUuid, state: HealthState): Promise<void> =>
    writeFileAtomic(paths.zoneHealth(zone), `${JSON.stringify(state)}\n`, { sync: false });

  const check: Health["check"] = async (vm, { force = false, signal } = {}) => {
    const { check, boot, bootedMs } = checkable(vm);
    const work = async (): Promise<HealthState> => {
      const before = stateOf(boot, readHealth(paths, vm.uuid));
      if (!force && dueAt(before, check, bootedMs) > Date.now()) return before;
      const after = withResult(before, await probeHealth(host, vm, check, signal), check, bootedMs);
      await write(vm.uuid, after);
      const { status } = after;
      if (status === "starting" || status === after.told) return after;
      await onChange(vm, status);
      const told = { ...after, told: status };
      await write(vm.uuid, told);
      return told;
    };
    const lock = join(paths.locks, `health-${vm.uuid}`);
    return slots.run(() => withLock(lock, work, signal ? { signal } : {}), signal);
  };

  const due: Health["due"] = (vm) => {
    const check = healthcheckOf(vm);
    const boot = bootOf(vm);
    if (check === undefined || boot === undefined) return undefined;
    return dueAt(stateOf(boot, readHealth(paths, vm.uuid)), check, bootedMs(vm));
  };

  async function awaitHealthy(
    asked: VmObject,
    options: VerbOptions & { readonly timeoutMs?: number | undefined } = {},
  ): Promise<void> {
    const name = containerName(asked);
    const deadline = options.timeoutMs === undefined ? undefined : AbortSignal.timeout(options.timeoutMs);
    const signals = [deadline, options.signal].filter((signal) => signal !== undefined);
    const signal = AbortSignal.any(signals);
    try {
      using watch = await watchZones(vmadm, { zone: asked.uuid, signal });
      for (;;) {
        const vm = await watch.until(asked.uuid, (now) => now === undefined || settled(now), signal);
        if (!vm) throw new AgentError("CONTAINER_NOT_FOUND", `container "${name}" was removed while it was waited for`);
        if (hasEnded(vm)) throw unhealthy(name, `ended with exit status ${exitOf(vm)?.code ?? "unknown"}`);
        if (healthcheckOf(vm) === undefined) return;
        const left = new AbortController();
        const boot = bootOf(vm);
        // Whatever happens to this run of it ends the waiting for its checks.
        const over = watch.until(
          asked.uuid,
          (now) => now === undefined || bootOf(now) !== boot,
          AbortSignal.any([signal, left.signal]),
        );
        over.then(
          () => left.abort(),
          () => left.abort(),
        );
        try {
          const state = await check(vm, { signal: left.signal });
          if (state.status === "healthy") return;
          if (state.status === "unhealthy") {
            const last = state.log.at(-1);
            throw unhealthy(name, `failed its check ${state.failingStreak} times: ${printable(last?.output ?? "")}`);
          }
          await sleep(Math.min(Math.max(0, (due(vm) ?? 0) - Date.now()), 3_600_000), undefined, {
            signal: left.signal,
          });
        } catch (error) {
          signal.throwIfAborted();
          if (!left.signal.aborted) throw error;
        } finally {
          left.abort();
        }
      }
    } catch (error) {
      options.signal?.throwIfAborted();
      if (deadline?.aborted === true)
        throw new AgentError("DEADLINE", `container "${name}" was not healthy in time`, {
          hint: `it goes on; see "zonelet health ${name}"`,
        });
      throw error;
    }
  }

  return { check, due, awaitHealthy };
}

function checkable(vm: VmObject): { readonly check: Healthcheck; readonly boot: string; readonly bootedMs: number } {
  const name = containerName(vm);
  const check = healthcheckOf(vm);
  if (check === undefined)
    throw new AgentError("HEALTH_UNCHECKED", `container "${name}" has no health check`, {
      hint: "neither its spec nor its image asks for one",
    });
  const boot = bootOf(vm);
  if (boot === undefined)
    throw new AgentError("CONTAINER_NOT_RUNNING", `container "${name}" is not running`, {
      hint: `start it: zonelet start ${name}`,
    });
  return { check, boot, bootedMs: bootedMs(vm) };
}

function bootedMs(vm: VmObject): number {
  const ms = Date.parse(vm.boot_timestamp ?? "");
  return Number.isNaN(ms) ? Date.now() : ms;
}

function settled(vm: VmObject): boolean {
  return bootOf(vm) !== undefined || hasEnded(vm);
}

function unhealthy(name: string, why: string): AgentError {
  return new AgentError("CONTAINER_UNHEALTHY", `container "${name}" ${why}`, {
    hint: `see "zonelet logs ${name}" and "zonelet inspect ${name}"`,
  });
}

function printable(text: string): string {
  const line = text.trim().split("\n").at(-1) ?? "";
  return line === "" ? "it wrote nothing" : line.replace(/\p{Cc}/gu, "?").slice(0, 200);
}
