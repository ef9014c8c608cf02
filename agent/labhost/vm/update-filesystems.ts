import { isOrdinary, requireFilesystem } from "./filesystem-source.ts";
import type { Payload } from "./json-text.ts";
import { storedFilesystem, type Filesystem } from "./zone-config.ts";

/** The zone's filesystems after add_, update_ and remove_filesystems; undefined: none of them was given. */
export function planFilesystems(vm: Payload, change: Payload): readonly Filesystem[] | undefined {
  const list = (key: string): readonly Payload[] => (change[key] as readonly Payload[] | undefined) ?? [];
  const remove = (change["remove_filesystems"] as readonly unknown[] | undefined)?.map(String) ?? [];
  const add = list("add_filesystems");
  const update = list("update_filesystems");
  if (add.length + update.length + remove.length === 0) return undefined;
  for (const filesystem of add) requireFilesystem(filesystem);
  const current = (vm["filesystems"] as readonly Filesystem[] | undefined) ?? [];
  const kept = current
    .filter((filesystem) => !remove.includes(filesystem.target))
    .map((filesystem) => {
      const changes = update.filter((entry) => entry["target"] === filesystem.target);
      return changes.length === 0 ? filesystem : storedFilesystem(Object.assign({}, filesystem, ...changes) as Payload);
    });
  // Sources that create would make (a uuid, a URL) are skipped without a word.
  return [...kept, ...add.filter(isOrdinary).map(storedFilesystem)];
}
