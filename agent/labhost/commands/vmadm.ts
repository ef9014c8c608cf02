// `vmadm` (vmadm.md): one file for each group of subcommands below vmadm/, loaded when called.
import type { CommandContext, EmulatedCommand } from "../command.ts";
import { UsageError, VmError } from "../vm/vm-error.ts";
import { hit, vmHost, type Subcommand, type VmHost } from "./vmadm/host.ts";
import { usageText } from "./vmadm/usage.ts";

const SUBCOMMANDS: Readonly<Record<string, () => Promise<Subcommand>>> = {
  create: async () => (await import("./vmadm/create.ts")).create,
  get: async () => (await import("./vmadm/read.ts")).get,
  list: async () => (await import("./vmadm/list.ts")).list,
  lookup: async () => (await import("./vmadm/read.ts")).lookup,
  start: async () => (await import("./vmadm/start.ts")).start,
  stop: async () => (await import("./vmadm/stop.ts")).stop,
  delete: async () => (await import("./vmadm/delete.ts")).deleteVm,
  validate: async () => (await import("./vmadm/validate.ts")).validate,
  reboot: async () => (await import("./vmadm/reboot.ts")).reboot,
  kill: async () => (await import("./vmadm/kill.ts")).kill,
  update: async () => (await import("./vmadm/update.ts")).update,
  "create-snapshot": async () => (await import("./vmadm/snapshots.ts")).createSnapshot,
  "delete-snapshot": async () => (await import("./vmadm/snapshots.ts")).deleteSnapshot,
  "rollback-snapshot": async () => (await import("./vmadm/snapshots.ts")).rollbackSnapshot,
  reprovision: async () => (await import("./vmadm/reprovision.ts")).reprovision,
  events: async () => (await import("./vmadm/events.ts")).events,
  info: async () => (await import("./vmadm/console.ts")).info,
  sysrq: async () => (await import("./vmadm/console.ts")).sysrq,
  console: async () => (await import("./vmadm/console.ts")).console,
  send: async () => (await import("./vmadm/not-offered.ts")).notOffered("send"),
  receive: async () => (await import("./vmadm/not-offered.ts")).notOffered("receive"),
  install: async () => (await import("./vmadm/not-offered.ts")).notOffered("install"),
};

const ALIASES: Readonly<Record<string, string>> = {
  boot: "start",
  halt: "stop",
  destroy: "delete",
  json: "get",
  recv: "receive",
};

export const vmadm: EmulatedCommand = (context) => runVmadm(vmHost(context), context);

/** The command on a given host; tests bring one with fakes. */
export async function runVmadm(host: VmHost, context: CommandContext): Promise<number> {
  const word = context.args[0] ?? "";
  const name = ALIASES[word] ?? word;
  const prefix = failurePrefix(name, context.args);
  try {
    const subcommand = await findSubcommand(name, word);
    await prefixed(prefix, hit(host, `${name}.begin`));
    const outcome = await subcommand(host, context.args.slice(1));
    await prefixed(prefix, hit(host, `${name}.end`));
    if (outcome.stdout !== undefined) context.out(outcome.stdout);
    if (outcome.stderr !== undefined) context.err(`${outcome.stderr}\n`);
    return outcome.exit ?? 0;
  } catch (error) {
    if (error instanceof UsageError) {
      context.err(usageText(context.invokedAs, error.message));
      return 2;
    }
    if (!(error instanceof VmError)) return abort(context, error);
    context.err(`${error.message}\n`);
    return error.exit;
  }
}

/** What these commands put before every failure of theirs (vmadm.md 4). */
const PREFIXES: Readonly<Record<string, string>> = {
  start: "Unable to start VM",
  info: "Unable to get VM info for VM",
  delete: "Failed to delete VM",
  reprovision: "Failed to reprovision VM",
};

function failurePrefix(name: string, args: readonly string[]): string {
  const uuid = args.slice(1).find((word) => !word.startsWith("-"));
  return Object.hasOwn(PREFIXES, name) ? `${PREFIXES[name] ?? ""} ${uuid ?? ""}: ` : "";
}

async function prefixed(prefix: string, work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    throw error instanceof VmError ? error.prefixed(prefix) : error;
  }
}

async function findSubcommand(name: string, word: string): Promise<Subcommand> {
  if (["help", "-h", "-?"].includes(word)) throw new UsageError("");
  const load = Object.hasOwn(SUBCOMMANDS, name) ? SUBCOMMANDS[name] : undefined;
  if (!load) throw new UsageError(`Invalid command: "${word}".`);
  return load();
}

/** The platform's interpreter aborts on an uncaught exception (vmadm.md 1). */
function abort(context: CommandContext, error: unknown): never {
  context.err(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.abort();
}
