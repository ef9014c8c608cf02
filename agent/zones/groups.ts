// Containers that came of one document: addressed together by the group's name, started in order, stopped and removed in
// the reverse one. What belongs to a group stands in its zones' marks, and in the records of zones that are not there yet.
import { join } from "node:path";
import { AgentError } from "../errors/agent-error.ts";
import type { HostPaths } from "../host/paths.ts";
import { readLog } from "../logs/read.ts";
import { isContainerName, type ContainerName } from "../util/ids.ts";
import { acquireLock } from "../util/lock.ts";
import type { VmObject } from "../vmadm/schema.ts";
import type { Volumes } from "../volumes/volumes.ts";
import { MARK_KEYS } from "../zoneinit/metadata-keys.ts";
import type { Containers } from "./containers.ts";
import type { VerbOptions } from "./verb-options.ts";
import { containerName } from "./find.ts";
import type { Health } from "./health.ts";
import type { ZoneRecord } from "./record.ts";

export interface GroupMember {
  /** Name or uuid: what the verbs on containers take. */
  readonly reference: string;
  readonly order: number;
  readonly role: "main" | "init";
  readonly vm: VmObject | undefined;
}

export interface Groups {
  /** Runs `work` while nobody else works on the group. */
  locked<T>(group: ContainerName, options: VerbOptions, work: () => Promise<T>): Promise<T>;
  /**
   * The verb on the container a reference means, or on every member of the group it names; a container's name wins, and
   * `group/NAME` is the group in any case. Goes on after a failure and rejects with the first.
   */
  each(reference: string, direction: "forth" | "back", verb: Verb, options?: VerbOptions): Promise<void>;
  /** Starts in order; init containers run to their end first. */
  start(reference: string, options?: VerbOptions): Promise<void>;
  restart(reference: string, options?: VerbOptions & { readonly timeoutS?: number | undefined }): Promise<void>;
  /** Members last started first, then what they shared. A running member is a refusal before anything goes, unless forced. */
  remove(reference: string, options?: VerbOptions & { readonly force?: boolean }): Promise<void>;
  /** Resolves when the init container has ended well. Raises INIT_FAILED with the last line of its log. */
  awaitInit(reference: string, options?: VerbOptions): Promise<void>;
  /** Resolves when another container is as far as a member's start asks for: ended well, or healthy. */
  awaitCondition(
    after: { readonly container: string; readonly condition: string },
    options?: VerbOptions,
  ): Promise<void>;
}

export type Verb = (reference: string) => Promise<unknown>;

export interface GroupDependencies {
  readonly containers: Containers;
  readonly health: Health;
  readonly volumes: Volumes;
  readonly paths: HostPaths;
}

const PREFIX = "group/";

export function createGroups({ containers, volumes, health, paths }: GroupDependencies): Groups {
  async function locked<T>(group: ContainerName, options: VerbOptions, work: () => Promise<T>): Promise<T> {
    const lock = await acquireLock(join(paths.locks, `group-${group}`), {
      ...(options.signal ? { signal: options.signal } : {}),
      onWait: () => options.onWait?.(`another zonelet command works on the group "${group}"`),
    });
    if (!lock) throw new AgentError("LOCKED", `the group "${group}" is being worked on`);
    try {
      return await work();
    } finally {
      lock.release();
    }
  }

  /** The group a reference names; undefined where it means a container, or nothing. */
  async function groupNamed(reference: string, options: VerbOptions): Promise<ContainerName | undefined> {
    const explicit = reference.startsWith(PREFIX);
    const name = explicit ? reference.slice(PREFIX.length) : reference;
    if (!isContainerName(name)) return undefined;
    const [zones, records] = [await containers.list(options), await containers.records()];
    if (!explicit && (zones.some((vm) => vm.alias === name) || records.some((record) => record.name === name)))
      return undefined;
    if (membersOf(name, zones, records).length > 0) return name;
    // A killed `rm` or `run` may have left what the containers share, or a place for it.
    if (volumes.hasGroup(name)) return name;
    if (explicit) throw new AgentError("CONTAINER_NOT_FOUND", `no group "${name}"`, { hint: 'see "zonelet ps -a"' });
    return undefined;
  }

  async function members(group: ContainerName, options: VerbOptions): Promise<GroupMember[]> {
    return membersOf(group, await containers.list(options), await containers.records());
  }

  async function over(list: readonly GroupMember[], verb: Verb, options: VerbOptions): Promise<void> {
    const failures: unknown[] = [];
    for (const { reference } of list) {
      options.signal?.throwIfAborted();
      await verb(reference).catch((error: unknown) => failures.push(error));
    }
    if (failures.length > 0) throw failures[0];
  }

  async function startAll(group: ContainerName, options: VerbOptions): Promise<void> {
    for (const member of await members(group, options)) {
      for (const after of conditionsOf(member.vm)) await awaitCondition(after, options);
      await containers.start(member.reference, options);
      if (member.role === "init") await awaitInit(member.reference, options);
    }
  }

  async function awaitInit(reference: string, options: VerbOptions = {}): Promise<void> {
    await awaitEnd(reference, "init container", options);
  }

  const awaitCondition: Groups["awaitCondition"] = async ({ container, condition }, options = {}) => {
    if (condition === "completed") await awaitEnd(container, "container", options);
    if (condition === "healthy") await health.awaitHealthy(await containers.find(container, options), options);
  };

  async function awaitEnd(reference: string, what: string, options: VerbOptions): Promise<void> {
    const vm = await containers.find(reference, options);
    const exit = await containers.wait(vm.uuid, options);
    if (exit.code === 0) return;
    const last = await lastLine(vm);
    throw new AgentError(
      "INIT_FAILED",
      `${what} "${containerName(vm)}" failed with exit status ${exit.code}${last === "" ? "" : `: ${last}`}`,
      { details: { container: containerName(vm), exitCode: exit.code } },
    );
  }

  async function lastLine(vm: VmObject): Promise<string> {
    const parts: Buffer[] = [];
    const directory = paths.inGlobalZone(`${vm.zonepath}/logs`);
    for await (const { bytes } of readLog(directory, { tail: 1, follow: false, ended: () => true }))
      parts.push(Buffer.from(bytes));
    return Buffer.concat(parts)
      .toString("utf8")
      .trim()
      .replace(/\p{Cc}/gu, "?")
      .slice(0, 500);
  }

  async function removeShared(group: ContainerName, options: VerbOptions): Promise<void> {
    if ((await members(group, options)).length === 0) await volumes.removeGroup(group, options);
  }

  return {
    locked,
    awaitInit,
    awaitCondition,
    each: async (reference, direction, verb, options = {}) => {
      const group = await groupNamed(reference, options);
      if (group === undefined) await verb(reference);
      else
        await locked(group, options, async () => {
          const list = await members(group, options);
          await over(direction === "forth" ? list : list.toReversed(), verb, options);
        });
    },
    start: async (reference, options = {}) => {
      const group = await groupNamed(reference, options);
      if (group === undefined) await containers.start(reference, options);
      else await locked(group, options, () => startAll(group, options));
    },
    restart: async (reference, options = {}) => {
      const group = await groupNamed(reference, options);
      if (group === undefined) await containers.restart(reference, options);
      else
        await locked(group, options, async () => {
          const list = (await members(group, options)).toReversed();
          await over(list, (member) => containers.stop(member, options), options);
          await startAll(group, options);
        });
    },
    remove: async (reference, options = {}) => {
      const group = await groupNamed(reference, options);
      if (group === undefined) {
        const vm = (await containers.list(options)).find((zone) => zone.alias === reference || zone.uuid === reference);
        await containers.remove(reference, options);
        const own = groupOf(vm);
        if (own !== undefined) await locked(own, options, () => removeShared(own, options));
        return;
      }
      await locked(group, options, async () => {
        const list = (await members(group, options)).toReversed();
        const running = list.filter(({ vm }) => vm?.state === "running");
        if (running.length > 0 && options.force !== true)
          throw new AgentError(
            "GROUP_RUNNING",
            `${running.length} of ${list.length} containers of the group "${group}" are running`,
            { hint: `stop them first ("zonelet stop ${reference}"), or "zonelet rm -f ${reference}"` },
          );
        await over(list, (member) => containers.remove(member, options), options);
        await removeShared(group, options);
      });
    },
  };
}

/** In the order of their starts. */
function membersOf(group: ContainerName, zones: readonly VmObject[], records: readonly ZoneRecord[]): GroupMember[] {
  const there = zones
    .filter((vm) => groupOf(vm) === group)
    .map((vm): GroupMember => {
      const order = vm.internal_metadata[MARK_KEYS.groupOrder];
      const role = vm.internal_metadata[MARK_KEYS.groupRole] === "init" ? "init" : "main";
      return { reference: vm.uuid, order: typeof order === "number" ? order : 0, role, vm };
    });
  const coming = records
    .filter((record) => record.group === group && !zones.some((vm) => vm.uuid === record.uuid))
    .map((record): GroupMember => ({ reference: record.name, order: 0, role: "main", vm: undefined }));
  return [...there, ...coming].toSorted((a, b) => a.order - b.order);
}

export function groupOf(vm: VmObject | undefined): ContainerName | undefined {
  const group = vm?.internal_metadata[MARK_KEYS.group];
  return typeof group === "string" && isContainerName(group) ? group : undefined;
}

/** An operator may have changed the mark: what cannot be read asks for nothing. */
function conditionsOf(vm: VmObject | undefined): { readonly container: string; readonly condition: string }[] {
  const text = vm?.internal_metadata[MARK_KEYS.groupAfter];
  if (typeof text !== "string") return [];
  try {
    const list: unknown = JSON.parse(text);
    return (Array.isArray(list) ? list : []).flatMap((item: unknown) =>
      typeof item === "object" &&
      item !== null &&
      "container" in item &&
      "condition" in item &&
      typeof item.container === "string" &&
      typeof item.condition === "string"
        ? [{ container: item.container, condition: item.condition }]
        : [],
    );
  } catch {
    return [];
  }
}
