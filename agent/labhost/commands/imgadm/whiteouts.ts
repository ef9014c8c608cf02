// Whiteouts as imgadm applies them, after extraction and over the whole tree, with their faults (imgadm.md 6.2): opaque
// markers empty nothing, a name removed and added by one layer is lost, directories called `.wh.*` stay.
import { lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ImgadmError } from "./errors.ts";

const PREFIX = ".wh.";
/** Longest path illumos takes; assumed to hold here (imgadm.md 12). */
const PATH_MAX = 1024;

/** `platformRoot` is what the tree is called on the platform: names too long there fail. */
export function applyWhiteouts(root: string, platformRoot: string): void {
  // A walk through a link would delete in somebody else's tree.
  if (!lstatSync(root).isDirectory()) throw new ImgadmError("InternalError", `ENOTDIR, readdir '${platformRoot}'`);
  for (const marker of findMarkers(root, platformRoot)) {
    const name = marker.name.slice(PREFIX.length);
    // The bare prefix, `.wh..` and `.wh...` would name the directory itself or its parent; only their markers go here.
    if (name !== "" && name !== "." && name !== "..")
      rmSync(join(marker.directory, name), { recursive: true, force: true });
    rmSync(join(marker.directory, marker.name), { force: true });
  }
}

interface Marker {
  readonly directory: string;
  readonly name: string;
}

function findMarkers(root: string, platformRoot: string): Marker[] {
  const markers: Marker[] = [];
  const directories = [""];
  for (let below = directories.pop(); below !== undefined; below = directories.pop()) {
    const directory = root + below;
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      const path = `${below}/${entry.name}`;
      if (Buffer.byteLength(platformRoot + path) >= PATH_MAX)
        throw new ImgadmError("InternalError", `ENAMETOOLONG, lstat '${platformRoot}${path}'`);
      if (entry.isDirectory()) directories.push(path);
      else if (entry.isFile() && entry.name.startsWith(PREFIX)) markers.push({ directory, name: entry.name });
    }
  }
  return markers;
}
