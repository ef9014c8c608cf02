// Volumes of the node: made by name or by the first container that names them, gone when somebody removes them; those of
// a group go with the group.
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { AgentError } from "../errors/agent-error.ts";
import type { Host } from "../host/host.ts";
import type { Logger } from "../log/logger.ts";
import { volumeDataset, volumeParents, type VolumePlace } from "../spec/volume-place.ts";
import { acquireLock, type Lock } from "../util/lock.ts";
import { isVolumeName, type ContainerName, type VolumeName } from "../util/ids.ts";
import { suggest } from "../util/suggest.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { createVolumeDatasets, type VolumeDataset } from "./datasets.ts";
import { provideVolumes, type Provided, type ProvideRequest } from "./provide.ts";
import { isSamePlace, volumeUses } from "./usage.ts";

export interface VolumeOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onWait?: (what: string) => void;
}

export interface Volume extends VolumeDataset {
  /** Zones that mount it or a part of it, running or not. */
  readonly usedBy: readonly VmObject[];
}

export interface Volumes {
  /** Named ones and those of groups. */
  list(zones: readonly VmObject[], options?: VolumeOptions & { readonly used?: boolean }): Promise<readonly Volume[]>;
  /** The named volume. Raises VOLUME_NOT_FOUND with the nearest name. */
  find(name: string, zones: readonly VmObject[], options?: VolumeOptions): Promise<Volume>;
  /** One that exists is left as it is and is no error, as with Docker. Without a name one is made up. */
  create(
    name: VolumeName | undefined,
    settings: { readonly labels: Readonly<Record<string, string>>; readonly sizeBytes?: number | undefined },
    options?: VolumeOptions,
  ): Promise<VolumeName>;
  /** Raises VOLUME_IN_USE with the containers, VOLUME_NOT_FOUND unless `missingIsFine`. */
  remove(
    name: VolumeName,
    zones: () => Promise<readonly VmObject[]>,
    options?: VolumeOptions & { readonly missingIsFine?: boolean },
  ): Promise<void>;
  /** All volumes of a group. Its containers have to be gone. Repeating it does nothing. */
  removeGroup(group: ContainerName, options?: VolumeOptions): Promise<void>;
  /** True while there is anything of a group's volumes, an empty place for them included. Asks no command. */
  hasGroup(group: ContainerName): boolean;
  /** Makes ready what a container is about to mount, and keeps others from it until `release`. */
  provide(request: ProvideRequest): Promise<Provided>;
}

export interface VolumeDependencies {
  readonly host: Host;
  readonly pool: string;
  readonly log: Logger;
}

export function createVolumes({ host, pool, log }: VolumeDependencies): Volumes {
  const datasets = createVolumeDatasets(host, pool);

  async function lock(place: VolumePlace, { signal, onWait }: VolumeOptions): Promise<Lock> {
    const file = join(host.paths.locks, `volume-${volumeDataset(pool, place).replaceAll("/", ":")}`);
    const taken = await acquireLock(file, {
      ...(signal ? { signal } : {}),
      onWait: () => onWait?.(`another zonelet command works with the volume "${place.name}"`),
    });
    if (!taken) throw new AgentError("LOCKED", `the volume "${place.name}" is being worked on`);
    return taken;
  }

  async function list(
    zones: readonly VmObject[],
    options: VolumeOptions & { readonly used?: boolean } = {},
  ): Promise<readonly Volume[]> {
    const uses = volumeUses(zones, pool);
    return (await datasets.list(options)).map((dataset) => ({
      ...dataset,
      usedBy: [...new Set(uses.filter(({ place }) => isSamePlace(place, dataset.place)).map(({ zone }) => zone))],
    }));
  }

  async function find(name: string, zones: readonly VmObject[], options: VolumeOptions = {}): Promise<Volume> {
    const named = (await list(zones, { ...options, used: true })).filter(({ place }) => place.kind === "named");
    const found = named.find(({ place }) => place.name === name);
    if (found) return found;
    const near = suggest(
      name,
      named.map(({ place }) => place.name),
    );
    throw new AgentError("VOLUME_NOT_FOUND", `no volume "${name}"`, {
      hint: near === undefined ? 'see "zonelet volume ls"' : `did you mean "${near}"?`,
    });
  }

  return {
    list,
    find,
    create: async (given, settings, options = {}) => {
      const name = given ?? madeUpName();
      const place: VolumePlace = { kind: "named", name };
      const held = await lock(place, options);
      try {
        const existing = (await datasets.list(options)).find((dataset) => isSamePlace(dataset.place, place));
        if (!existing) await datasets.create(place, { ...settings, filling: false });
        else if ((settings.sizeBytes ?? existing.quotaBytes) !== existing.quotaBytes)
          throw new AgentError("VOLUME_EXISTS", `the volume "${name}" exists with another size`, {
            hint: `it stays as it is; to replace it and what is in it: zonelet volume rm ${name}`,
          });
        return name;
      } finally {
        held.release();
      }
    },
    remove: async (name, zones, options = {}) => {
      const place: VolumePlace = { kind: "named", name };
      const held = await lock(place, options);
      try {
        const present = await zones();
        if (options.missingIsFine !== true) await find(name, present, options);
        const users = volumeUses(present, pool).filter((use) => isSamePlace(use.place, place));
        if (users.length > 0) {
          const names = [...new Set(users.map(({ zone }) => zone.alias ?? zone.uuid))];
          throw new AgentError("VOLUME_IN_USE", `the volume "${name}" is in use by ${names.join(", ")}`, {
            hint: `remove ${names.length === 1 ? "it" : "them"} first: zonelet rm ${names.join(" ")}`,
            details: { containers: names },
          });
        }
        await datasets.destroy(place, options);
      } finally {
        held.release();
      }
    },
    hasGroup: (group) => existsSync(host.paths.inGlobalZone(`/${volumeParents(pool).groups}/${group}`)),
    removeGroup: (group, options = {}) => datasets.destroyGroup(group, options),
    provide: (request) => provideVolumes(request, { datasets, lock, paths: host.paths, pool, log }),
  };
}

/** As Docker's: 64 hex digits that nobody wants to type. */
function madeUpName(): VolumeName {
  const name = randomBytes(32).toString("hex");
  if (!isVolumeName(name)) throw new AgentError("INTERNAL", "a made-up name is none");
  return name;
}
