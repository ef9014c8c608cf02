// A further process in a running zone: all its namespaces, its root directory, its control groups.
import { spawn, type ChildProcess, type StdioOptions } from "node:child_process";
import { existsSync } from "node:fs";
import type { Lab } from "../lab.ts";
import { zoneGroups } from "./cgroups.ts";
import { readKeeper } from "./keeper.ts";
import { tool, TOOL_ENVIRONMENT } from "./tools.ts";

export interface ZoneCommand {
  readonly argv: readonly string[];
  /** `NAME=value`; nothing else is in its environment. */
  readonly env: readonly string[];
  readonly workdir: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
}

/** Arguments before `--` are files to join a control group by. */
const JOIN = 'while [ "$1" != -- ]; do echo 0 >"$1"; shift; done; shift; exec "$@"';

/** What joining namespaces needs, and otherwise what the zone's init has. */
const CAPABILITIES =
  "-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+net_raw,+sys_chroot," +
  "+mknod,+audit_write,+setfcap,+sys_admin,+sys_ptrace,+dac_read_search";

/**
 * It ends with the zone. `init` is the pid of the zone's init; the process ends as the command does, signals included.
 * With `terminal` the command gets a pseudo terminal of its own (`zlogin -i`).
 */
export function spawnInZone(
  lab: Lab,
  uuid: string,
  init: number,
  command: ZoneCommand,
  stdio: StdioOptions,
  terminal = false,
): ChildProcess {
  const rootless = lab.config.privilege === "user";
  const keeper = readKeeper(lab);
  const user = rootless && keeper ? [`--user=/proc/${keeper.pid}/ns/user`, "--preserve-credentials"] : [];
  const namespaces = ["mount", "uts", "ipc", "net", "pid"].map((name) => `--${name}`);
  const args = [
    ...["-c", JOIN, "zlogin", ...zoneGroups(lab, uuid).filter((file) => existsSync(file)), "--"],
    ...(rootless
      ? []
      : [
          ...[tool("setpriv"), "--bounding-set", CAPABILITIES],
          ...["--regid", String(command.gid), "--groups", command.groups.join(","), "--"],
        ]),
    ...[tool("env"), "-i", "--", ...forNsenter(command)],
    // The terminal's session has to live in the zone's pid namespace, or keys like Ctrl-C find nobody there.
    ...(terminal && !rootless ? [tool("nsenter"), `--target=${init}`, "--pid", tool("setsid"), "--ctty", "--"] : []),
    ...[tool("nsenter"), `--target=${init}`, ...namespaces, "--root", `--wd=/proc/${init}/root${command.workdir}`],
    ...user,
    ...(rootless ? [] : [`--setuid=${command.uid}`]),
    "--",
    ...inZoneArgv(command),
  ];
  if (!terminal) return spawn(tool("sh"), args, { stdio, env: TOOL_ENVIRONMENT });
  return spawn(tool("setpriv"), onTerminal([tool("sh"), ...args]), {
    stdio,
    env: { ...TOOL_ENVIRONMENT, SHELL: tool("sh") },
  });
}

/**
 * A pseudo terminal by script(1): it hands on keys, output, window size and exit code as zlogin does, and hangs up when
 * zlogin dies. Its one way to take a command is a line for a shell.
 */
function onTerminal(argv: readonly string[]): string[] {
  const line = argv.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(" ");
  return ["--pdeathsig", "TERM", "--", tool("script"), "-q", "-f", "-e", "-c", `exec ${line}`, "/dev/null"];
}

const LINKER = /^(?:LD_|GLIBC_TUNABLES=)/;

/** Variables for a dynamic linker must not reach the machine's nsenter (see zone-process.ts). */
function forNsenter({ env }: ZoneCommand): string[] {
  return env.filter((entry) => !LINKER.test(entry));
}

function inZoneArgv({ env, argv }: ZoneCommand): string[] {
  const forLinker = env.filter((entry) => LINKER.test(entry));
  return forLinker.length === 0 ? [...argv] : ["/usr/bin/env", ...forLinker, ...argv];
}
