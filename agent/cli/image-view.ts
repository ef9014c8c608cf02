// Images in Docker's shapes: `image inspect` and `history`.
import type { ImageRecord, RunnableImage } from "../imgadm/images.ts";
import { parseReference } from "../imgadm/reference.ts";
import { formatBytes } from "../util/units.ts";
import { humanAge } from "./output.ts";

/** One element of `docker image inspect`; what is only ours is under `Zonelet`. */
export function imageDocument({ record, imageUuid, configuration, type }: RunnableImage): object {
  const { config, created, architecture, variant, os, rootfs, author, docker_version: version } = configuration;
  const names = record === undefined ? [] : record.references.map((reference) => parseReference(reference));
  return {
    Id: record?.config ?? imageUuid,
    RepoTags: names.filter(({ digest }) => digest === undefined).map(({ familiar }) => familiar),
    RepoDigests: record === undefined ? [] : repoDigests(record),
    Parent: "",
    Comment: configuration.history?.at(-1)?.comment ?? "",
    Created: created ?? "",
    DockerVersion: typeof version === "string" ? version : "",
    Author: typeof author === "string" ? author : "",
    Architecture: architecture ?? "",
    ...(variant === undefined ? {} : { Variant: variant }),
    Os: os ?? "",
    Size: record?.size ?? 0,
    Config: config ?? {},
    RootFS: { Type: rootfs?.type ?? "layers", Layers: rootfs?.diff_ids ?? [] },
    Metadata: { LastTagTime: record?.pulledAt ?? "" },
    Zonelet: {
      ImageUuid: imageUuid,
      Type: type,
      Ours: record !== undefined,
      ...(record === undefined ? {} : { Layers: record.layers, Manifest: record.manifest, PulledAt: record.pulledAt }),
    },
  };
}

function repoDigests({ references, manifest }: ImageRecord): readonly string[] {
  if (manifest === undefined) return [];
  const repositories = references.map((reference) => {
    const { domain, path } = parseReference(reference);
    return parseReference(`${domain}/${path}@${manifest}`).familiar;
  });
  return [...new Set(repositories)];
}

export interface HistoryEntry {
  /** Only the newest one has an id. */
  readonly id: string | undefined;
  readonly created: string | undefined;
  readonly createdBy: string;
  /** Packed bytes of its layer; 0 without one, undefined when nobody remembers. */
  readonly size: number | undefined;
  readonly comment: string;
}

/** Steps that made the image, newest first. Layers of images that tell no history are shown as such. */
export function imageHistory({ record, imageUuid, configuration }: RunnableImage): readonly HistoryEntry[] {
  const sizes = record?.layerSizes ?? [];
  const history =
    configuration.history ?? (record?.layers ?? []).map(() => ({ created: undefined, created_by: undefined }));
  let layer = 0;
  const steps = history.map((step) => {
    const empty = "empty_layer" in step && step.empty_layer === true;
    return {
      created: step.created ?? configuration.created,
      createdBy: step.created_by ?? "",
      size: empty ? 0 : sizes[layer++],
      comment: "comment" in step && step.comment !== undefined ? step.comment : "",
    };
  });
  return steps.toReversed().map((step, index) => ({
    id: index === 0 ? (record?.config ?? imageUuid) : undefined,
    ...step,
  }));
}

export function historyRow(entry: HistoryEntry, options: { readonly now: number; readonly trunc: boolean }): string[] {
  const id = entry.id?.replace("sha256:", "");
  const by = entry.createdBy.replaceAll("\t", " ");
  return [
    id === undefined ? "<missing>" : options.trunc ? id.slice(0, 12) : (entry.id ?? id),
    age(entry.created, options.now),
    options.trunc && by.length > 45 ? `${by.slice(0, 44)}…` : by,
    entry.size === undefined ? "-" : formatBytes(entry.size),
    entry.comment,
  ];
}

/** `3 days ago`, or `-` where nobody knows. */
export function age(time: string | undefined, now: number): string {
  const at = time === undefined ? NaN : Date.parse(time);
  return Number.isNaN(at) ? "-" : `${humanAge(now - at)} ago`;
}
