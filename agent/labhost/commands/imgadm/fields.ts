// The fields `list` and `ancestry` show of an image: its manifest's and computed ones (imgadm.md 3.3).
import { ImgadmError, usageError } from "./errors.ts";
import type { InstalledImage } from "./state.ts";
import type { Row } from "./table.ts";

/** Raises imgadm's own failure for docker images without `tags["docker:id"]`, in the words of node 0.10. */
export function imageRow(image: InstalledImage): Row {
  const { manifest } = image;
  const published = typeof manifest["published_at"] === "string" ? manifest["published_at"] : undefined;
  const files = manifest["files"] as readonly { readonly size?: number }[] | undefined;
  return {
    ...manifest,
    ...(published !== undefined && {
      published_date: published.slice(0, 10),
      pub: published.slice(0, 10),
      published: published.replace(/\.\d+Z$/, "Z"),
    }),
    ...(image.source !== undefined && { source: image.source }),
    clones: image.cloneNames.length,
    zpool: image.zpool,
    ...(files?.[0]?.size !== undefined && { size: files[0].size }),
    ...(manifest["type"] === "docker" && dockerFields(manifest["tags"])),
  };
}

function dockerFields(tags: unknown): Row {
  if (typeof tags !== "object" || tags === null)
    throw new ImgadmError(undefined, `Cannot read property 'docker:id' of ${String(tags)}`);
  const all = tags as Readonly<Record<string, unknown>>;
  const id = all["docker:id"];
  if (typeof id !== "string") throw new ImgadmError(undefined, "Cannot call method 'slice' of undefined");
  return {
    docker_id: id,
    // Since ids begin with `sha256:`, these are five digits only.
    docker_short_id: id.slice(0, 12),
    ...(typeof all["docker:repo"] === "string" && { docker_repo: all["docker:repo"] }),
    docker_tags: dockerTags(all),
  };
}

export function dockerTags(tags: Readonly<Record<string, unknown>>): string[] {
  const prefix = "docker:tag:";
  return Object.keys(tags)
    .filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length));
}

export type Filter = (row: Row) => boolean;

/** `f=v`, `f=true|false`, `f=~sub`; a row without the field never matches. */
export function parseFilter(text: string): Filter {
  const at = text.indexOf("=");
  if (at <= 0) throw usageError(`invalid filter: "${text}" (must be of the form "field=value")`);
  const field = text.slice(0, at);
  const wanted = text.slice(at + 1);
  return (row) => {
    const value = lookup(row, field);
    if (value === undefined || value === null) return false;
    if (wanted === "true" || wanted === "false") return value === (wanted === "true");
    const shown = typeof value === "string" ? value : JSON.stringify(value);
    return wanted.startsWith("~") ? shown.includes(wanted.slice(1)) : shown === wanted;
  };
}

/** `tags.docker:repo`: one step per dot, unless the row has the dotted name itself. */
function lookup(row: Row, field: string): unknown {
  if (field in row) return row[field];
  let value: unknown = row;
  for (const part of field.split(".")) {
    if (typeof value !== "object" || value === null) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[part];
  }
  return value;
}
