// The datasets volumes are made of, over zfs(8). What is to be remembered of a volume stands in user properties of its
// dataset, so that there is no second record to lose or to disagree.
import { z } from "zod";
import { AgentError } from "../errors/agent-error.ts";
import { CommandError } from "../exec/errors.ts";
import type { Host } from "../host/host.ts";
import { parseVolumePath, volumeDataset, volumeParents, type VolumePlace } from "../spec/volume-place.ts";

/** Milliseconds. zfs waits for the pool's next transaction; a destroy of much data goes on in the background. */
const DEADLINE = { read: 60_000, change: 120_000 } as const;
/** Bytes of a user property's value, well below the limit of the platforms. */
const MAX_LABELS = 4096;

const LABELS = "zonelet:labels";
const CONTENT = "zonelet:content";

export interface VolumeDataset {
  readonly place: VolumePlace;
  /** Path in the global zone. */
  readonly mountpoint: string;
  readonly labels: Readonly<Record<string, string>>;
  /** 0: no quota. */
  readonly quotaBytes: number;
  /** Absent where it was not asked for: on some systems it has to be counted. */
  readonly usedBytes?: number;
  readonly createdAt: Date;
  /** Its first content is being copied, or was when the copier was killed. */
  readonly filling: boolean;
}

export interface DatasetCallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface VolumeDatasets {
  list(options?: DatasetCallOptions & { readonly used?: boolean }): Promise<readonly VolumeDataset[]>;
  /** Parents included. One that exists is left as it is: look first, under the volume's lock. */
  create(
    place: VolumePlace,
    settings: {
      readonly labels: Readonly<Record<string, string>>;
      readonly sizeBytes?: number | undefined;
      readonly filling: boolean;
    },
  ): Promise<void>;
  setFilling(place: VolumePlace, filling: boolean): Promise<void>;
  /** Absent already is fine. */
  destroy(place: VolumePlace, options?: DatasetCallOptions): Promise<void>;
  /** The dataset the volumes of a group lie in, with them. */
  destroyGroup(group: Extract<VolumePlace, { kind: "group" }>["group"], options?: DatasetCallOptions): Promise<void>;
}

const labelsText = z.record(z.string(), z.string());

export function createVolumeDatasets(host: Host, pool: string): VolumeDatasets {
  const top = `${pool}/zonelet`;

  async function zfs(
    args: readonly string[],
    options: DatasetCallOptions & { readonly mutates: boolean },
  ): Promise<string> {
    const timeoutMs = options.mutates ? DEADLINE.change : DEADLINE.read;
    const { stdout } = await host.run("zfs", { args, timeoutMs, mutates: options.mutates, signal: options.signal });
    return stdout;
  }

  async function destroy(name: string, options: DatasetCallOptions): Promise<void> {
    try {
      await zfs(["destroy", "-r", name], { ...options, mutates: true });
    } catch (error) {
      if (isMissing(error)) return;
      throw failed(`destroy ${name}`, error);
    }
  }

  return {
    list: async ({ signal, used = false } = {}) => {
      const columns = [
        "name",
        "mountpoint",
        "mounted",
        "quota",
        "creation",
        LABELS,
        CONTENT,
        ...(used ? ["used"] : []),
      ];
      let text: string;
      try {
        text = await zfs(["list", "-Hp", "-r", "-t", "filesystem", "-o", columns.join(","), top], {
          signal,
          mutates: false,
        });
      } catch (error) {
        if (isMissing(error)) return [];
        throw failed("list volumes", error);
      }
      return text.split("\n").flatMap((line) => readRow(pool, line));
    },
    create: async (place, { labels, sizeBytes, filling }) => {
      const json = asciiJson(labels);
      if (json.length > MAX_LABELS)
        throw new AgentError("VOLUME_INVALID", `the labels of ${place.name} take more than ${MAX_LABELS} bytes`);
      const parents = volumeParents(pool);
      const parent = place.kind === "named" ? parents.named : `${parents.groups}/${place.group}`;
      const settings = [
        ...(Object.keys(labels).length === 0 ? [] : [`${LABELS}=${json}`]),
        ...(sizeBytes === undefined || sizeBytes === 0 ? [] : [`quota=${sizeBytes}`]),
        ...(filling ? [`${CONTENT}=filling`] : []),
      ];
      const name = volumeDataset(pool, place);
      try {
        await zfs(["create", "-p", parent], { mutates: true });
        await zfs(["create", ...settings.flatMap((setting) => ["-o", setting]), name], { mutates: true });
      } catch (error) {
        // A zfs whose caller was killed has been faster.
        if (!isPresent(error)) throw failed(`create ${name}`, error);
      }
    },
    setFilling: async (place, filling) => {
      const name = volumeDataset(pool, place);
      try {
        await zfs(filling ? ["set", `${CONTENT}=filling`, name] : ["inherit", CONTENT, name], { mutates: true });
      } catch (error) {
        throw failed(`mark ${name}`, error);
      }
    },
    destroy: (place, options = {}) => destroy(volumeDataset(pool, place), options),
    destroyGroup: (group, options = {}) => destroy(`${volumeParents(pool).groups}/${group}`, options),
  };
}

/** Rows of datasets that are no volume, somebody's own below ours included, are passed over. */
function readRow(pool: string, line: string): VolumeDataset[] {
  const [name = "", mountpoint = "", mounted, quota, creation, labels = "-", content, used] = line.split("\t");
  const parsed = parseVolumePath(pool, `/${name}`);
  if (parsed === undefined || parsed.subpath !== "") return [];
  if (mounted !== "yes" || mountpoint !== `/${name}`)
    throw new AgentError("HOST_UNSUPPORTED", `the dataset ${name} is not mounted at /${name}`, {
      hint: `mount it: zfs set mountpoint=/${name} ${name}; zfs mount ${name}`,
    });
  return [
    {
      place: parsed.place,
      mountpoint,
      labels: readLabels(labels),
      quotaBytes: Number(quota) || 0,
      ...(used === undefined ? {} : { usedBytes: Number(used) }),
      createdAt: new Date(Number(creation) * 1000),
      filling: content === "filling",
    },
  ];
}

/** An operator may have set the property by hand: what cannot be read is no label. */
function readLabels(text: string): Record<string, string> {
  if (text === "-") return {};
  try {
    const labels = labelsText.safeParse(JSON.parse(text));
    return labels.success ? labels.data : {};
  } catch {
    return {};
  }
}

/** JSON of printable ASCII only: `zfs list -H` separates by tab and line feed. */
function asciiJson(value: Readonly<Record<string, string>>): string {
  return JSON.stringify(value).replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

function isMissing(error: unknown): boolean {
  return error instanceof CommandError && /dataset does not exist\s*$/.test(error.outcome.stderrTail);
}

function isPresent(error: unknown): boolean {
  return error instanceof CommandError && /dataset already exists\s*$/.test(error.outcome.stderrTail);
}

function failed(what: string, error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  const tail = error instanceof CommandError ? error.outcome.stderrTail.trim() : "";
  if (/dataset is busy|Device busy/.test(tail))
    return new AgentError("VOLUME_IN_USE", `${what}: the dataset is in use: ${tail}`, { cause: error });
  if (/out of space|No space left/i.test(tail))
    return new AgentError("DISK_FULL", `${what}: ${tail}`, { cause: error });
  return new AgentError("HOST_COMMAND_FAILED", `${what}: ${tail === "" ? "zfs failed" : tail}`, { cause: error });
}
