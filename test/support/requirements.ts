// Before anything runs: are the real programs there that the tests work against? One sentence instead of a hundred failures.
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Program and the Debian package it comes in. */
const REQUIRED: readonly (readonly [string, string])[] = [
  ["docker-registry", "docker-registry"],
  ["skopeo", "skopeo"],
  ["umoci", "umoci"],
  ["busybox", "busybox-static"],
  ["ip", "iproute2"],
  ["openssl", "openssl"],
  ["unshare", "util-linux"],
  ["setpriv", "util-linux"],
];

export default function requirePrograms(): void {
  const missing = REQUIRED.filter(([program]) => !installed(program));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map(([, name]) => name))].join(" ");
  throw new Error(`the tests need ${missing.map(([program]) => program).join(", ")}: apt-get install ${packages}`);
}

function installed(program: string): boolean {
  const directories = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return directories.some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
