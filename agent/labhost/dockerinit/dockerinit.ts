// dockerinit (dockerinit.md 4) played by the supervisor: it turns the zone's metadata into one process to execute. The
// steps, their log lines and their fatal codes are the platform's, in its order; what needs the kernel (namespaces,
// mounts, addresses, the change of user) is done from the plan by `zone-process.ts`.
import { renameSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import type { ZoneFiles } from "../runtime/in-root.ts";
import { checkExecve, findExecutable, type Credentials } from "./executable.ts";
import { DockerinitFatal, errnoText } from "./fatal.ts";
import type { Identity } from "./identity.ts";
import { parseStringArray } from "./json-nvlist.ts";
import { startLogger } from "./logger.ts";
import type { Metadata } from "./metadata.ts";
import { logNetwork } from "./network-log.ts";
import { mountNfsVolumes } from "./nfs.ts";
import { planEnvironment, planIdentity, planWorkdir, readKey, type LogLine } from "./process-plan.ts";

export interface ProcessPlan {
  /** argv[0] is what the container was given, never the resolved path. */
  readonly argv: readonly string[];
  readonly env: readonly string[];
  /** Canonical, exists. */
  readonly workdir: string;
  readonly identity: Identity;
  readonly hostname: string | undefined;
  readonly tty: boolean;
  readonly openStdin: boolean;
  /** The child for the log driver failed: init gets SIGKILL. */
  readonly killedByLogger: boolean;
}

export interface DockerinitTools {
  readonly metadata: Metadata;
  readonly files: ZoneFiles;
  readonly log: LogLine;
  /** Polls `docker:wait_for_attach` (4.9); rejects with DockerinitFatal 43 or 45. */
  readonly waitForAttach: (value: string) => Promise<void>;
}

/** Rejects with DockerinitFatal; its message has been logged by then. */
export async function dockerinit(tools: DockerinitTools): Promise<ProcessPlan> {
  try {
    return await prepare(tools);
  } catch (error) {
    if (error instanceof DockerinitFatal) tools.log(`FATAL (code: ${error.code}): ${error.message}`);
    throw error;
  }
}

async function prepare({ metadata, files, log, waitForAttach }: DockerinitTools): Promise<ProcessPlan> {
  checkBrand(metadata, log);
  log("MOUNT /dev/shm (shm)");
  replaceMtab(files, log);
  ignoreErrors(() => files.makeDirectories("/var/run/network", 0o755));
  logNetwork(metadata, process.pid, log);
  mountNfsVolumes(metadata, log);
  const hostname = readKey(metadata, "sdc:hostname", log);
  if (hostname !== undefined) log(`INFO setting hostname = '${hostname}'`);
  const identity = planIdentity(metadata, files, log);
  const workdir = planWorkdir(metadata, files, identity, log);
  const env = planEnvironment(metadata, identity, hostname, log);
  const argv = commandLine(metadata, log);
  const tty = readKey(metadata, "docker:tty", log) === "true";
  log("INFO zfd_ready() took 0 loops");
  const openStdin = readKey(metadata, "docker:open_stdin", log) === "true";
  logTerminal(tty, openStdin, log);
  const driver = readKey(metadata, "docker:logdriver", log) ?? "json-file";
  log(`INFO logdriver ${driver}`);
  const killedByLogger = startLogger(metadata, driver, log);
  const wait = readKey(metadata, "docker:wait_for_attach", log);
  if (wait !== undefined) await waitForAttach(wait);
  finishProvisioning(files, log);
  const executable = findExecutable(files, argv[0] ?? "", { workdir, env, log });
  log(`EXECNAME "${executable}"`);
  log("DROP PRIVS");
  checkExecve(files, executable, workdir, credentialsOf(identity));
  return { argv, env, workdir, identity, hostname, tty, openStdin, killedByLogger };
}

/** Root without a passwd entry, and root's gid without a group (4.3). */
export function credentialsOf(identity: Identity): Credentials {
  const gid = identity.group?.gid ?? 0;
  return { uid: identity.passwd?.uid ?? 0, groups: identity.supplementary ?? [gid] };
}

function checkBrand(metadata: Metadata, log: LogLine): void {
  const brand = readKey(metadata, "sdc:brand", log);
  if (brand === undefined) throw new DockerinitFatal(12, "failed to determine brand");
  if (brand !== "lx" && brand !== "joyent-minimal") throw new DockerinitFatal(7, `invalid brand: ${brand}`);
}

function replaceMtab(files: ZoneFiles, log: LogLine): void {
  log("REPLACE /etc/mtab");
  ignoreErrors(() => files.makeDirectories("/etc", 0o755));
  let mtab: string;
  try {
    mtab = join(files.resolve("/etc").onHost, "mtab");
    unlinkSync(mtab);
  } catch (error) {
    if (!isCode(error, "ENOENT")) throw new DockerinitFatal(47, `failed to unlink /etc/mtab: ${errnoText(error)}`);
  }
  try {
    symlinkSync("/proc/mounts", join(files.resolve("/etc").onHost, "mtab"));
  } catch (error) {
    throw new DockerinitFatal(30, `failed to symlink /etc/mtab: ${errnoText(error)}`);
  }
}

function commandLine(metadata: Metadata, log: LogLine): string[] {
  const argv: string[] = [];
  for (const [key, label] of [
    ["docker:entrypoint", "ENTRYPOINT"],
    ["docker:cmd", "CMD"],
  ] as const) {
    const text = readKey(metadata, key, log);
    if (text === undefined) continue;
    for (const word of parseStringArray(key, text)) {
      log(`ARGV[${argv.length}]:${label} "${word}"`);
      argv.push(word);
    }
  }
  if (argv.length === 0) throw new DockerinitFatal(13, "No command specified");
  return argv;
}

function logTerminal(tty: boolean, openStdin: boolean, log: LogLine): void {
  log("SWITCHING TO /dev/zfd/*");
  const opened = [...(openStdin ? [0] : []), ...(tty ? [0, 0] : [1, 2])];
  for (const device of opened) log(`INFO open(/dev/zfd/${device}) SUCCESS on attempt 0`);
}

/** Tells vmadm that provisioning is done (vmadm.md 10). */
function finishProvisioning(files: ZoneFiles, log: LogLine): void {
  try {
    const directory = files.resolve("/var/svc").onHost;
    renameSync(join(directory, "provisioning"), join(directory, "provision_success"));
  } catch (error) {
    if (isCode(error, "ENOENT")) log("INFO not renaming /var/svc/provisioning: already gone.");
    else throw new DockerinitFatal(22, `failed to rename /var/svc/provisioning: ${errnoText(error)}`);
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

/** dockerinit does not look at the outcome of these. */
function ignoreErrors(work: () => unknown): void {
  try {
    work();
  } catch {
    // Not even the platform's dockerinit looks.
  }
}
