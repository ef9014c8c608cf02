// From a plan to the zone's init: one chain of exec calls through util-linux, because node itself can neither unshare nor
// chroot. `unshare` forks once; its child is PID 1 of the zone, runs the fixed script below and finally *becomes* the app.
//
// Every input reaches the script as a file, a descriptor or an argument; none is spliced into its text.
//   fd 3  script -> supervisor: `unshared`, then `exec` as its last act, or `error <text>`
//   fd 2  what the machine's programs complain of; fd 5 becomes the app's stderr
//   fd 4  supervisor -> script: `go`, then commands for ip(8). An end of file without `go` means: the supervisor died.
import { spawn, type ChildProcess } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { ProcessPlan } from "../dockerinit/dockerinit.ts";
import type { Lab } from "../lab.ts";
import { credentialsOf } from "../dockerinit/dockerinit.ts";
import { enterUser } from "./keeper.ts";
import { childrenOf, identify, type ProcessIdentity } from "./process-identity.ts";
import { tool, TOOL_ENVIRONMENT } from "./tools.ts";

// The host name's file belongs to the machine's root, even in a user namespace; there the system call does it.
const SCRIPT = `
umask 022
fail() { IFS= read -r why <"$ZL_DIR/err"; printf 'error %s: %s\\n' "$1" "$why" >&3; exit 1; }
while IFS= read -r procs; do echo 0 >"$procs"; done <"$ZL_DIR/cgroups"
printf 'unshared\\n' >&3
mount --no-mtab --all --fstab "$ZL_DIR/fstab.base" 2>"$ZL_DIR/err" || fail "cannot mount the zone's root"
cp -a "$ZL_DEVICES/." "$ZL_ROOT/dev/" 2>"$ZL_DIR/err" || fail "cannot make the zone's devices"
if [ -s "$ZL_DIR/fstab.lofs" ]; then
  mount --no-mtab --all --fstab "$ZL_DIR/fstab.lofs" 2>"$ZL_DIR/err" || fail "cannot mount a file system of the zone"
fi
if [ -s "$ZL_DIR/others" ]; then
  while IFS= read -r other; do umount -n -l "$other" 2>/dev/null; done <"$ZL_DIR/others"
fi
printf '%s' "$ZL_HOSTNAME" 2>/dev/null >/proc/sys/kernel/hostname || hostname -- "$ZL_HOSTNAME" 2>/dev/null
IFS= read -r go <&4 && [ "$go" = go ] || exit 1
ip -force -batch - <&4 2>"$ZL_DIR/ip.err"
cd "$ZL_ROOT" && mount --no-mtab --move . / 2>"$ZL_DIR/err" || fail "cannot make the zone's root the root"
printf 'exec\\n' >&3
exec "$@" 2>&5 3>&- 4<&- 5>&-
`;

/** What an LX zone's root can do: Docker's default set. Nothing that reaches beyond the zone's namespaces. */
const CAPABILITIES = [
  "chown",
  "dac_override",
  "fowner",
  "fsetid",
  "kill",
  "setgid",
  "setuid",
  "setpcap",
  "net_bind_service",
  "net_raw",
  "sys_chroot",
  "mknod",
  "audit_write",
  "setfcap",
];

export interface SpawnInput {
  readonly lab: Lab;
  readonly keeper: ProcessIdentity;
  readonly plan: ProcessPlan;
  /** For `uname -n` where the plan names nothing; the machine's own name is not the zone's business. */
  readonly zoneName: string;
  /** Prepared by `writeBootFiles`. */
  readonly scratch: string;
  readonly root: string;
  readonly devices: string;
  readonly stdio: readonly [stdin: number | "ignore", stdout: number, stderr: number];
}

/** How init ended: one of the two is set. */
export interface ZoneEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface ZoneProcess {
  readonly ended: Promise<ZoneEnd>;
  readonly init: ProcessIdentity;
  /** Lets the script go on; resolves when the app has been executed, rejects with the text of what failed before. */
  go(ipBatch: string): Promise<void>;
}

/** Resolves when the namespaces exist. Rejects with a sentence when the machine refuses. */
export async function spawnZoneProcess(input: SpawnInput): Promise<ZoneProcess> {
  const { lab, keeper, plan, zoneName, scratch, root, devices, stdio } = input;
  const [stdin, stdout, stderr] = stdio;
  const [program = "", ...args] = [
    ...enterUser(lab, keeper),
    ...[tool("setpriv"), "--pdeathsig", "KILL", "--"],
    ...[tool("unshare"), "--pid", "--mount", "--uts", "--ipc", "--net", "--fork", "--kill-child=KILL", "--"],
    ...[tool("sh"), "-c", SCRIPT, "zone"],
    ...finalCommand(lab, plan),
  ];
  const parent = spawn(program, args, {
    stdio: [stdin, stdout, "pipe", "pipe", "pipe", stderr],
    cwd: "/",
    env: {
      ...TOOL_ENVIRONMENT,
      ZL_DIR: scratch,
      ZL_ROOT: root,
      ZL_DEVICES: devices,
      ZL_HOSTNAME: plan.hostname ?? zoneName,
    },
  });
  const ended = endOf(parent);
  const messages = createInterface({ input: parent.stdio[3] as Readable });
  const control = parent.stdio[4] as Writable;
  control.on("error", () => undefined); // told by the end of the messages
  const lines = messages[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done === true || first.value !== "unshared" || parent.pid === undefined)
    throw new Error(`the machine does not allow the zone's namespaces: ${(await ended).complaints}`);
  const init = identify(childrenOf(parent.pid)[0] ?? 0);
  if (!init) throw new Error("the zone's init ended at once");
  return {
    ended,
    init,
    async go(ipBatch) {
      control.end(`go\n${ipBatch}`);
      const next = await lines.next();
      if (next.done === true) throw new Error("the zone's init ended before it was executed");
      if (next.value !== "exec") throw new Error(next.value.replace(/^error /, ""));
    },
  };
}

/** `unshare` waits for init and ends as init did, except that some versions stumble over SIGKILL and say so. */
function endOf(parent: ChildProcess): Promise<ZoneEnd & { readonly complaints: string }> {
  let complaints = "";
  (parent.stdio[2] as Readable).setEncoding("utf8").on("data", (text: string) => (complaints += text));
  return new Promise((resolve, reject) => {
    parent.once("error", reject);
    parent.once("close", (code, signal) => {
      const stumbled = code === 1 && complaints.includes("sigprocmask unblock failed");
      resolve({ ...(stumbled ? { code: null, signal: "SIGKILL" } : { code, signal }), complaints: complaints.trim() });
    });
  });
}

/** Order matters: groups while we are still root, then the tenant's environment, then root directory and user. */
function finalCommand(lab: Lab, plan: ProcessPlan): string[] {
  const { uid, groups } = credentialsOf(plan.identity);
  const gid = plan.identity.group?.gid ?? 0;
  const drop = ["--bounding-set", ["-all", ...CAPABILITIES.map((name) => `+${name}`)].join(",")];
  const group = ["--regid", String(gid), "--groups", groups.join(",")];
  // A user namespace with one id in it knows no other ids.
  const asUser = lab.config.privilege === "user" ? [] : group;
  const setuid = lab.config.privilege === "user" ? [] : [`--setuid=${uid}`];
  const unshare = [tool("unshare"), "--root=.", `--wd=${plan.workdir}`, ...setuid, "--"];
  return [
    ...(plan.tty ? terminalSession(lab, plan) : []),
    ...[tool("setpriv"), ...drop, ...asUser, "--"],
    ...[tool("env"), "-i", "--"],
    ...withEnvironment(plan, unshare),
  ];
}

/**
 * setsid(1) takes the terminal from stdin, which the app gets only with `docker:open_stdin` (dockerinit.md 4.7). The
 * terminal's first session is that of its holder, and only root may take it away from there.
 */
function terminalSession(lab: Lab, { openStdin }: ProcessPlan): string[] {
  const withoutStdin = [tool("sh"), "-c", 'exec "$@" </dev/null', "zone"];
  const control = lab.config.privilege === "root" ? ["--ctty"] : [];
  return [tool("setsid"), ...control, "--", ...(openStdin ? [] : withoutStdin)];
}

/**
 * The environment is set before the last program of the machine's runs, and that one's dynamic linker would obey `LD_*`
 * variables meant for the container. Those are set by the container's own env(1), after the root has changed.
 */
function withEnvironment(plan: ProcessPlan, unshare: readonly string[]): string[] {
  const forLinker = plan.env.filter((entry) => /^(?:LD_|GLIBC_TUNABLES=)/.test(entry));
  if (forLinker.length === 0) return [...plan.env, ...unshare, ...plan.argv];
  const others = plan.env.filter((entry) => !forLinker.includes(entry));
  return [...others, ...unshare, "/usr/bin/env", ...forLinker, ...plan.argv];
}

export interface BootFiles {
  readonly scratch: string;
  readonly root: string;
  readonly privilege: Lab["config"]["privilege"];
  /** The tools at /native. */
  readonly native: string;
  /** Canonical host paths. */
  readonly lofs: readonly { readonly source: string; readonly target: string; readonly readOnly: boolean }[];
  /** Device file of the zone's terminal, shown as /dev/console. */
  readonly terminal: string | undefined;
  readonly cgroupProcs: readonly string[];
  /** Mounts of other zones, which would stay busy for as long as this zone's copy of them lives. */
  readonly otherMounts: readonly string[];
}

const DEVICE_FILES = ["null", "zero", "full", "random", "urandom", "tty"];

/** Writes the tables the script works through. */
export function writeBootFiles(files: BootFiles): void {
  const { scratch, root, privilege } = files;
  const bind = (source: string, target: string, options = "bind"): string => fstabLine(source, target, "none", options);
  const base = [
    bind(root, root, "rbind"),
    fstabLine("proc", join(root, "proc"), "proc", "nosuid,nodev,noexec"),
    fstabLine("sysfs", join(root, "sys"), "sysfs", "ro,nosuid,nodev,noexec"),
    fstabLine("tmpfs", join(root, "dev"), "tmpfs", "mode=0755,nosuid,size=65536k"),
    fstabLine("devpts", join(root, "dev/pts"), "devpts", "newinstance,ptmxmode=0666,mode=0620,x-mount.mkdir"),
    fstabLine("shm", join(root, "dev/shm"), "tmpfs", "mode=1777,nosuid,nodev,x-mount.mkdir"),
  ];
  const native = [
    bind(files.native, join(root, "native")),
    ...(privilege === "user" ? [] : [fstabLine("none", join(root, "native"), "none", "remount,bind,ro,nosuid,nodev")]),
  ];
  const devices = privilege === "user" ? DEVICE_FILES.map((name) => bind(`/dev/${name}`, join(root, "dev", name))) : [];
  const console = files.terminal === undefined ? [] : [bind(files.terminal, join(root, "dev/console"))];
  const lofs = files.lofs.flatMap(({ source, target, readOnly }) => [
    bind(source, target),
    ...(readOnly ? [fstabLine("none", target, "none", "remount,bind,ro")] : []),
  ]);
  writeFileSync(join(scratch, "fstab.base"), base.join(""));
  writeFileSync(join(scratch, "fstab.lofs"), [...devices, ...console, ...native, ...lofs].join(""));
  writeFileSync(join(scratch, "cgroups"), files.cgroupProcs.map((line) => `${line}\n`).join(""));
  writeFileSync(join(scratch, "others"), files.otherMounts.map((line) => `${line}\n`).join(""));
  writeFileSync(join(scratch, "err"), "");
}

function fstabLine(source: string, target: string, type: string, options: string): string {
  return `${fstabWord(source)} ${fstabWord(target)} ${type} ${options} 0 0\n`;
}

/** fstab(5): blanks and backslashes as octal. */
function fstabWord(text: string): string {
  return text.replaceAll(/[\s\\#]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, "0")}`);
}
