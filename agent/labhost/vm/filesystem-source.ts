// Kinds of `source` a filesystem can have in a create payload (vmadm.md 8.3).
import type { Payload } from "./json-text.ts";
import { UncaughtError } from "./vm-error.ts";

/** Sources that create makes itself (uuid, create-volume, URL) join later, after docker's own mounts. */
export function isOrdinary(filesystem: Payload): boolean {
  return !isVolume(filesystem) && !/^https?:\/\//.test(String(filesystem["source"]));
}

export function isVolume(filesystem: Payload): boolean {
  const source = String(filesystem["source"]);
  return source === "create-volume" || /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(source);
}

/** Filesystems without source, target or type are not validated; they end vmadm by an uncaught exception. */
export function requireFilesystem(filesystem: Payload): void {
  for (const key of ["source", "target", "type"])
    if (typeof filesystem[key] !== "string") throw new UncaughtError(`TypeError: filesystem has no ${key}`);
}
