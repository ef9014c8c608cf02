// `zonelet-lab init`: the private root, its wrappers and what this machine can do. May be repeated: what is there stays.
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { compileCache, defaultLabRoot, LabError, openLab, type Lab, type LabConfig } from "../lab.ts";
import { programFile } from "../program.ts";
import { ensureDeviceTemplate } from "../runtime/devices.ts";
import { ensureNativeTools } from "../runtime/native-tools.ts";
import { tool, TOOL_ENVIRONMENT } from "../runtime/tools.ts";
import { overlayWorks } from "./overlay-probe.ts";

const COMMANDS = [
  "imgadm",
  "kstat",
  "nictagadm",
  "sysinfo",
  "vmadm",
  "zfs",
  "zlogin",
  "zoneadm",
  "zonename",
  "zpool",
] as const;

const DIRECTORIES = ["bin", "zones", "etc/zones", "var/imgadm", "var/log", "var/run", "opt/custom/etc", "tmp"];
const DEFAULT_NIC_TAGS = ["admin", "external"];
const NIC_TAG = /^[a-zA-Z0-9_]{1,31}$/;

export function init(args: readonly string[]): Promise<number> {
  const tags = parseTags(args);
  const root = defaultLabRoot();
  for (const directory of DIRECTORIES) mkdirSync(join(root, directory), { recursive: true, mode: 0o755 });
  for (const directory of ["lab", "lab/runtime", "lab/runtime/zones", "lab/locks", "lab/datasets"])
    mkdirSync(join(root, directory), { recursive: true, mode: 0o711 });
  const file = join(root, "lab/lab.json");
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as LabConfig) : undefined;
  const privilege = findPrivilege();
  writeConfig(file, {
    version: 1,
    nicTags: [...new Set([...(known?.nicTags ?? DEFAULT_NIC_TAGS), ...tags])],
    serverUuid: known?.serverUuid ?? randomUUID(),
    hostname: known?.hostname ?? hostname(),
    // Datasets made one way are not read the other way.
    clones: known?.clones ?? (privilege === "root" && overlayWorks(join(root, "lab/runtime")) ? "overlay" : "copy"),
    privilege,
  });
  writeWrappers(root);
  const lab = openLab({ ...process.env, LABHOST_ROOT: root });
  ensureDeviceTemplate(lab);
  ensureNativeTools(lab);
  process.stdout.write(summary(lab));
  return Promise.resolve(0);
}

function parseTags(args: readonly string[]): string[] {
  let values: { "nic-tag"?: string[] };
  try {
    values = parseArgs({ args: [...args], options: { "nic-tag": { type: "string", multiple: true } } }).values;
  } catch (error) {
    throw new LabError(error instanceof Error ? error.message : String(error));
  }
  const tags = values["nic-tag"] ?? [];
  for (const tag of tags)
    if (!NIC_TAG.test(tag)) throw new LabError(`"${tag}" is no nic tag: letters, digits and _, at most 31`);
  return tags;
}

/** Throws LabError where the machine allows neither way. */
function findPrivilege(): LabConfig["privilege"] {
  const user = process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"];
  const probe = [...user, "--pid", "--mount", "--uts", "--ipc", "--net", "--fork", "--kill-child", "--", "/bin/true"];
  try {
    execFileSync(tool("unshare"), probe, { stdio: "ignore", env: TOOL_ENVIRONMENT });
  } catch {
    throw new LabError(
      user.length === 0
        ? "this machine does not let root make namespaces (a container without privileges?): zones cannot run here"
        : "this machine does not let you make user namespaces: run the lab host as root, or allow them with sysctl",
    );
  }
  return user.length === 0 ? "root" : "user";
}

function writeConfig(file: string, config: LabConfig): void {
  writeFileSync(`${file}.new`, `${JSON.stringify(config, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** Scripts, not links: each names its lab, so that it works from any place and under any environment. */
function writeWrappers(root: string): void {
  for (const name of COMMANDS) {
    const file = join(root, "bin", name);
    const lines = [
      "#!/bin/sh",
      `export LABHOST_ROOT=${quote(root)}`,
      `[ -n "$NODE_COMPILE_CACHE" ] || NODE_COMPILE_CACHE=${quote(compileCache(root))}`,
      "export NODE_COMPILE_CACHE",
      `exec ${quote(process.execPath)} --disable-warning=ExperimentalWarning ${quote(programFile)} --as ${name} "$@"`,
    ];
    writeFileSync(`${file}.new`, `${lines.join("\n")}\n`);
    chmodSync(`${file}.new`, 0o755);
    renameSync(`${file}.new`, file);
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function summary(lab: Lab): string {
  const { privilege, clones, nicTags } = lab.config;
  const how = privilege === "root" ? "as root" : "in a user namespace";
  return [
    `lab host in ${lab.root}`,
    `  zones run ${how}, their roots are ${clones === "overlay" ? "overlay mounts" : "copies"}`,
    `  nic tags: ${nicTags.join(", ")}`,
    `  commands: ${join(lab.root, "bin")} (zonelet-lab shell puts them on the PATH)`,
    "",
  ].join("\n");
}
