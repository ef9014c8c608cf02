// The lab host's private root and what every emulated command shares.
//
// Layout below the root, which stands for the platform's `/`:
//   bin/                 the emulated commands (links to one wrapper), the only thing the agent's config points at
//   zones/               pool `zones`, mounted: images and zones are zones/<uuid>
//   etc/zones/           zone configurations
//   var/imgadm/, var/log/, var/run/, opt/custom/etc/ …   as on the platform
//   lab/                 ours, no counterpart on the platform: lab.json, calls.ndjson, datasets/, locks/, runtime/
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { FailpointSyntaxError, parseFailpoints, type Failpoints } from "./failpoints.ts";

export interface LabConfig {
  readonly version: 1;
  /** nic tags `nictagadm` knows. */
  readonly nicTags: readonly string[];
  readonly serverUuid: string;
  readonly hostname: string;
  /** How a zone's root is made: overlayfs mounts (root) or copies (ordinary users, or no overlayfs). */
  readonly clones: "overlay" | "copy";
  /** `root`: namespaces of the machine's root. `user`: everything inside a single-id user namespace. */
  readonly privilege: "root" | "user";
}

export interface Lab {
  readonly root: string;
  readonly config: LabConfig;
  readonly failpoints: Failpoints;
  /** A path as the platform spells it, in the private root. */
  path(platformPath: string): string;
  /** Path below `lab/`. */
  own(...parts: string[]): string;
}

export const PLATFORM_STAMP = "20250501T001122Z";

export function defaultLabRoot(env: NodeJS.ProcessEnv = process.env): string {
  const explicit = env["LABHOST_ROOT"];
  if (explicit !== undefined && explicit !== "") return explicit;
  if (process.getuid?.() === 0) return "/var/lib/zonelet-lab";
  return join(env["XDG_DATA_HOME"] ?? join(homedir(), ".local/share"), "zonelet-lab");
}

/** Where node keeps these programs compiled, unless the environment says so: compiling takes most of a short command. */
export function compileCache(root: string): string {
  return join(root, "lab/runtime/compiled");
}

export class LabError extends Error {}

/** Opens an initialised lab. Throws LabError on SunOS, where `zonelet-lab init` has not run, and for bad failpoints. */
export function openLab(env: NodeJS.ProcessEnv = process.env): Lab {
  refuseSunOS();
  const root = defaultLabRoot(env);
  const file = join(root, "lab/lab.json");
  if (!existsSync(file)) throw new LabError(`no lab host in ${root}: run "zonelet-lab init"`);
  const config = readConfig(root, file);
  return {
    root,
    config,
    failpoints: failpointsOf(env, root),
    path: (platformPath) => join(root, platformPath),
    own: (...parts) => join(root, "lab", ...parts),
  };
}

function failpointsOf(env: NodeJS.ProcessEnv, root: string): Failpoints {
  try {
    return parseFailpoints(env["LABHOST_FAILPOINTS"] ?? "", join(root, "lab/failpoints"));
  } catch (error) {
    throw error instanceof FailpointSyntaxError ? new LabError(error.message) : error;
  }
}

function readConfig(root: string, file: string): LabConfig {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as LabConfig;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EACCES")
      throw new LabError(`the lab host in ${root} belongs to another user`);
    if (error instanceof SyntaxError)
      throw new LabError(`${file} is not JSON any more: run "zonelet-lab destroy" and "init"`);
    throw error;
  }
}

export function refuseSunOS(platform: NodeJS.Platform = process.platform): void {
  if (platform === "sunos")
    throw new LabError("this is SmartOS: the lab host stands in for it elsewhere and refuses to run here");
}

/**
 * One line of `lab/calls.ndjson`. Each call writes two, when it begins and when it ends; one that is killed, or that
 * aborts, leaves only the first. Payloads are not recorded: they carry tenants' secrets.
 */
export interface CallRecord {
  readonly event: "begin" | "end";
  /** ISO 8601; of the beginning in both lines. */
  readonly time: string;
  readonly pid: number;
  readonly ppid: number;
  readonly command: string;
  readonly args: readonly string[];
  /** Exit status; only at the end. */
  readonly exit?: number;
  /** Milliseconds from beginning to end; only at the end. */
  readonly ms?: number;
}

/** Appends to calls.ndjson; O_APPEND keeps lines of concurrent commands whole. */
export function recordCall(lab: Lab, call: CallRecord): void {
  appendFileSync(lab.own("calls.ndjson"), `${JSON.stringify(call)}\n`, { mode: 0o600 });
}
