// /dev of a zone, as a directory every boot copies.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Lab } from "../lab.ts";
import { tool, TOOL_ENVIRONMENT } from "./tools.ts";

const DEVICES = ["null", "zero", "full", "random", "urandom", "tty"];
const LINKS: readonly (readonly [string, string])[] = [
  ["fd", "/proc/self/fd"],
  ["stdin", "/proc/self/fd/0"],
  ["stdout", "/proc/self/fd/1"],
  ["stderr", "/proc/self/fd/2"],
  ["ptmx", "pts/ptmx"],
];

export function deviceTemplate(lab: Lab): string {
  return lab.own("runtime/dev");
}

/** Makes the template unless it is there. Device nodes as root; for an ordinary user empty files to bind the machine's over. */
export function ensureDeviceTemplate(lab: Lab): void {
  const final = deviceTemplate(lab);
  if (existsSync(final)) return;
  const aside = `${final}.${process.pid}`;
  rmSync(aside, { recursive: true, force: true });
  mkdirSync(aside, { recursive: true, mode: 0o755 });
  for (const [name, target] of LINKS) symlinkSync(target, join(aside, name));
  writeFileSync(join(aside, "console"), "");
  if (lab.config.privilege === "root")
    execFileSync(tool("cp"), ["-a", ...DEVICES.map((name) => `/dev/${name}`), aside], { env: TOOL_ENVIRONMENT });
  else for (const name of DEVICES) writeFileSync(join(aside, name), "");
  renameSync(aside, final);
}
