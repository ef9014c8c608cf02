// zlogin(1): commands in a running zone (dockerinit.md 6.5, 9.1, 9.2), or its container's own streams (-I). The console
// (-C), which containers do not write to, is not emulated.
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { attach } from "./attach.ts";
import type { CommandContext, EmulatedCommand } from "../command.ts";
import { credentialsOf } from "../dockerinit/dockerinit.ts";
import { dockerexec } from "../dockerinit/dockerexec.ts";
import { zoneMetadata } from "../dockerinit/metadata.ts";
import { spawnInZone, type ZoneCommand } from "../runtime/enter-zone.ts";
import { ZoneFiles } from "../runtime/in-root.ts";
import { asFunctionCall, serveCalls } from "./dockerexec-call.ts";
import type { LabVm } from "../lab-vm.ts";
import { loadVm } from "../zone-store.ts";

const USAGE = `usage: zlogin [ -inQCES ] [ -e cmdchar ] [-l user] zonename [command [args ...] ]\n`;
const DOCKEREXEC = ["/native/usr/vm/sbin/dockerexec", "/usr/vm/sbin/dockerexec"];

export const zlogin: EmulatedCommand = async (context) => {
  const options = parse(context.args);
  if (!options) {
    context.err(USAGE);
    return 2;
  }
  const vm = loadVm(context.lab, options.zone);
  if (!vm) {
    context.err(`zlogin: zone '${options.zone}' unknown\n`);
    return 1;
  }
  if (options.console) {
    context.err("zlogin: zones of the lab host have no console\n");
    return 1;
  }
  const pid = vm["pid"];
  if (vm["zone_state"] !== "running" || typeof pid !== "number") {
    context.err(`zlogin: login allowed only to running zones (${vm.uuid} is '${String(vm["zone_state"])}').\n`);
    return 1;
  }
  return options.attach ? attach(context, vm, options) : runCommand(context, vm, pid, options);
};

interface Options {
  readonly zone: string;
  readonly command: readonly string[];
  readonly login: string;
  /** -i: the command as it is; otherwise su(1) and its shell read it once more. */
  readonly intact: boolean;
  readonly failsafe: boolean;
  readonly attach: boolean;
  readonly console: boolean;
  readonly quiet: boolean;
  readonly eofOnDisconnect: boolean;
  readonly escape: string | undefined;
}

function parse(args: readonly string[]): Options | undefined {
  const flags = new Set<string>();
  let login = "root";
  let escape = "~";
  let at = 0;
  for (; args[at]?.startsWith("-") === true; at++) {
    for (const flag of (args[at] ?? "").slice(1)) {
      if (!"inQCESINle".includes(flag)) return undefined;
      flags.add(flag);
      if (flag === "l") login = args[++at] ?? "";
      if (flag === "e") escape = args[++at] ?? "";
      if (flag === "l" || flag === "e") break;
    }
  }
  const zone = args[at];
  if (zone === undefined) return undefined;
  return {
    zone,
    command: args.slice(at + 1),
    login,
    intact: flags.has("i"),
    failsafe: flags.has("S"),
    attach: flags.has("I"),
    console: flags.has("C"),
    quiet: flags.has("Q"),
    eofOnDisconnect: !flags.has("N"),
    escape: flags.has("E") ? undefined : escape,
  };
}

async function runCommand(context: CommandContext, vm: LabVm, init: number, options: Options): Promise<number> {
  const { lab } = context;
  const files = new ZoneFiles(`/proc/${init}/root`, []);
  const [program, ...args] = options.command;
  const exec = (argv: readonly string[]): Promise<number> => runDockerexec(context, vm, init, files, argv, options);
  const isDockerexec = program !== undefined && DOCKEREXEC.includes(program);
  const su = options.intact || options.failsafe ? undefined : findSu(files);
  if (isDockerexec && su === undefined) return exec(args);
  const command = plainCommand(options, su, isDockerexec);
  if (!isDockerexec) return exitOf(spawnInZone(lab, vm.uuid, init, command, "inherit", options.intact));
  const shell = spawnInZone(lab, vm.uuid, init, command, ["inherit", "inherit", "inherit", "pipe", "pipe"]);
  const exit = exitOf(shell);
  await serveCalls(shell.stdio[4] as Readable, shell.stdio[3] as Writable, exec);
  return exit;
}

async function runDockerexec(
  { lab, out, err }: CommandContext,
  vm: LabVm,
  init: number,
  files: ZoneFiles,
  argv: readonly string[],
  options: Options,
): Promise<number> {
  const plan = dockerexec(argv, {
    metadata: zoneMetadata(vm),
    files,
    // A terminal shows everything, through its line discipline.
    err: options.intact ? (text) => out(text.replaceAll("\n", "\r\n")) : err,
  });
  if (typeof plan === "number") return plan;
  const { uid, groups } = credentialsOf(plan.identity);
  const gid = plan.identity.group?.gid ?? 0;
  return exitOf(spawnInZone(lab, vm.uuid, init, { ...plan, uid, gid, groups }, "inherit", options.intact));
}

function findSu(files: ZoneFiles): string | undefined {
  return ["/usr/bin/su", "/bin/su"].find((path) => exists(files, path));
}

function plainCommand(options: Options, su: string | undefined, isDockerexec: boolean): ZoneCommand {
  const env = [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "SHELL=/bin/sh",
    `LOGNAME=${options.login}`,
    `MAIL=/var/mail/${options.login}`,
    `TERM=${process.env["TERM"] ?? "xterm"}`,
  ];
  const asRoot = { env, workdir: "/", uid: 0, gid: 0, groups: [0] };
  if (options.command.length === 0) return { ...asRoot, argv: ["/bin/sh", "-l"] };
  if (su === undefined) return { ...asRoot, argv: options.command };
  const joined = joinForSu(options.command);
  return { ...asRoot, argv: [su, options.login, "-c", isDockerexec ? asFunctionCall(joined) : joined] };
}

/** Only blanks and tabs make zlogin quote, and it does not look for quotes within (dockerinit.md 9.1). */
export function joinForSu(words: readonly string[]): string {
  return words.map((word) => (/[ \t]/.test(word) ? `'${word}'` : word)).join(" ");
}

function exists(files: ZoneFiles, path: string): boolean {
  try {
    return files.resolve(path).stats !== undefined;
  } catch {
    return false;
  }
}

/** The exit byte of the wait status: 0 when a signal ended the command (9.3). */
async function exitOf(child: ChildProcess): Promise<number> {
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 0;
}
