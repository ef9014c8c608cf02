// What a zone finds at /native: on the platform the global zone's own programs, here the few of them that agents run in
// zones (`bash`, `gtar`, `env`, `ps`), played by a static busybox. Without one on the machine /native is empty.
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../lab.ts";

export function nativeTools(lab: Lab): string {
  return lab.own("native");
}

const BUSYBOX = "/native/usr/bin/busybox";

/** GNU tar has options that busybox does without: existing directories keep their modes anyway. */
const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `#!${BUSYBOX} sh
exec ${BUSYBOX} sh "$@"
`,
  gtar: `#!${BUSYBOX} sh
for word; do
  shift
  case $word in --no-overwrite-dir | --numeric-owner) ;; *) set -- "$@" "$word" ;; esac
done
exec ${BUSYBOX} tar "$@"
`,
};

/** May be repeated: what is there stays. */
export function ensureNativeTools(lab: Lab): void {
  const bin = join(nativeTools(lab), "usr/bin");
  mkdirSync(bin, { recursive: true, mode: 0o755 });
  const busybox = ["/bin/busybox", "/usr/bin/busybox"].find(isStatic);
  if (busybox === undefined || existsSync(join(bin, "busybox"))) return;
  for (const [name, text] of Object.entries(SCRIPTS)) writeFileSync(join(bin, name), text, { mode: 0o755 });
  for (const name of ["env", "ps"]) if (!existsSync(join(bin, name))) symlinkSync("busybox", join(bin, name));
  copyFileSync(busybox, join(bin, "busybox.new"));
  renameSync(join(bin, "busybox.new"), join(bin, "busybox"));
}

/** A program that names no dynamic linker near its beginning needs nothing but the kernel. */
function isStatic(path: string): boolean {
  return existsSync(path) && !readFileSync(path).subarray(0, 4096).includes("/ld-");
}
