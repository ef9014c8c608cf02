// How gtar 1.23 makes room for a member (extract.c, maybe_recoverable): what is in the way goes unless it is a directory
// with content, and missing parents are made.
import { mkdirSync, rmdirSync, unlinkSync } from "node:fs";
import { errnoOf, type Chroot } from "./chroot.ts";

/** Does `make` until it succeeds or nothing helps. Returns the code of the error that stays. */
export function place(chroot: Chroot, name: string, make: (path: string) => void): string | undefined {
  for (let madeParents = false; ;) {
    const code = errnoOf(() => {
      make(chroot.path(name));
    });
    if (code === undefined || madeParents) return code;
    if (code === "ENOENT") madeParents = makeParents(chroot, name);
    const helped = code === "EEXIST" ? removeObstacle(chroot, name) : madeParents;
    if (!helped) return code;
  }
}

function removeObstacle(chroot: Chroot, name: string): boolean {
  const path = chroot.path(name);
  const code = errnoOf(() => {
    rmdirSync(path);
  });
  if (code !== "ENOTDIR") return code === undefined;
  return (
    errnoOf(() => {
      unlinkSync(path);
    }) === undefined
  );
}

/** Whether any was made. */
function makeParents(chroot: Chroot, name: string): boolean {
  const parts = name.split("/");
  let made = false;
  for (let count = 1; count < parts.length; count++) {
    const code = errnoOf(() => {
      mkdirSync(chroot.path(parts.slice(0, count).join("/")), 0o755);
    });
    if (code === undefined) made = true;
    else if (code !== "EEXIST") break;
  }
  return made;
}
