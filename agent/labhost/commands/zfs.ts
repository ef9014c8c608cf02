// The zfs emulation, as far as the agent and a person in a shell need it. Texts are those of zfs(8) on illumos.
import type { CommandContext, EmulatedCommand } from "../command.ts";
import { datasetStore, ZfsError } from "../datasets.ts";
import { FailpointError } from "../failpoints.ts";
import { parseArguments, UsageError } from "./zfs/arguments.ts";
import { get, list } from "./zfs/report.ts";
import { canonicalName, settingComplaint } from "./zfs/properties.ts";

type Subcommand = (context: CommandContext, args: readonly string[]) => Promise<number>;

const subcommands: Readonly<Record<string, Subcommand>> = {
  list,
  get,
  create,
  destroy,
  snapshot,
  snap: snapshot,
  rollback,
  clone,
  rename,
  diff,
  set,
  inherit,
  mount,
  unmount,
  umount: unmount,
};

const USAGE = `usage: zfs command args ...
where 'command' is one of the following:

	create [-p] [-o property=value] ... <filesystem>
	destroy [-fr] <filesystem|snapshot>
	snapshot [-o property=value] ... <filesystem@snap> ...
	rollback [-rf] <snapshot>
	clone [-o property=value] ... <snapshot> <filesystem>
	rename <filesystem> <filesystem>
	diff [-FH] <snapshot> [snapshot|filesystem]
	list [-Hp] [-r|-d max] [-o property[,...]] [-t type[,...]] [filesystem|snapshot] ...
	set <property=value> ... <filesystem|snapshot> ...
	get [-Hp] [-r|-d max] [-o "all" | field[,...]] [-t type[,...]] [-s source[,...]] <"all" | property[,...]> [filesystem|snapshot] ...
	inherit <property> <filesystem|snapshot> ...
	mount [-a | filesystem]
	unmount [-f] <filesystem|mountpoint>
`;

export const zfs: EmulatedCommand = async (context) => {
  const [name, ...args] = context.args;
  try {
    if (name === undefined) throw new UsageError("missing command");
    const run = Object.hasOwn(subcommands, name) ? subcommands[name] : undefined;
    if (!run) throw new UsageError(`unrecognized command '${name}'`);
    await context.lab.failpoints.hit(`zfs.${name}.begin`);
    return await run(context, args);
  } catch (error) {
    if (error instanceof UsageError) {
      context.err(`${error.message}\n${USAGE}`);
      return 2;
    }
    if (!(error instanceof ZfsError || error instanceof FailpointError)) throw error;
    context.err(`${error.message}\n`);
    return 1;
  }
};

function operandsOf(operands: readonly string[], count: number, what: string): readonly string[] {
  if (operands.length < count) throw new UsageError(`missing ${what} argument`);
  if (operands.length > count) throw new UsageError("too many arguments");
  return operands;
}

/** `-o name=value` and `set name=value`; `verb` and `dataset` are for the refusal. */
function propertiesFrom(texts: readonly string[], verb: string, dataset: string): Record<string, string> {
  const properties: Record<string, string> = {};
  for (const text of texts) {
    const at = text.indexOf("=");
    if (at <= 0) throw new UsageError(`missing '=' for property=value argument`);
    const property = canonicalName(text.slice(0, at));
    const complaint = settingComplaint(property, text.slice(at + 1));
    if (complaint !== undefined) throw new ZfsError(`cannot ${verb} '${dataset}': ${complaint}`);
    properties[property] = text.slice(at + 1);
  }
  return properties;
}

async function create(context: CommandContext, args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, "po:V:");
  const [name = ""] = operandsOf(parsed.operands, 1, "filesystem");
  if (parsed.has("V")) throw new ZfsError(`cannot create '${name}': the lab host has no volumes`);
  const properties = propertiesFrom(parsed.values("o"), "create", name);
  const store = datasetStore(context.lab);
  if (parsed.has("p")) {
    const parts = name.split("/");
    for (let count = 1; count < parts.length; count++) {
      const parent = parts.slice(0, count).join("/");
      if (!(await store.get(parent))) await store.create(parent);
    }
    if (await store.get(name)) return 0;
  }
  await store.create(name, properties);
  return 0;
}

async function destroy(context: CommandContext, args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, "frRnpvd");
  const [name = ""] = operandsOf(parsed.operands, 1, "dataset");
  for (const letter of ["R", "n", "d"])
    if (parsed.has(letter)) throw new UsageError(`the lab host's zfs destroy knows no -${letter}`);
  await datasetStore(context.lab).destroy(name, { recursive: parsed.has("r") });
  return 0;
}

async function snapshot(context: CommandContext, args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, "o:");
  if (parsed.operands.length === 0) throw new UsageError("missing snapshot argument");
  for (const name of parsed.operands) {
    if (!name.includes("@"))
      throw new ZfsError(`cannot create snapshot '${name}': missing '@' delimiter in snapshot name`);
    const properties = propertiesFrom(parsed.values("o"), "create snapshot", name);
    await datasetStore(context.lab).snapshot(name, properties);
  }
  return 0;
}

async function rollback(context: CommandContext, args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, "rf");
  const [name = ""] = operandsOf(parsed.operands, 1, "dataset");
  await datasetStore(context.lab).rollback(name, { recursive: parsed.has("r") });
  return 0;
}

async function clone(context: CommandContext, args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, "o:");
  if (parsed.operands.length === 0) throw new UsageError("missing source dataset argument");
  const [origin = "", name = ""] = operandsOf(parsed.operands, 2, "target dataset");
  await datasetStore(context.lab).clone(origin, name, propertiesFrom(parsed.values("o"), "create", name));
  return 0;
}

async function rename(context: CommandContext, args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, "f");
  if (parsed.operands.length === 0) throw new UsageError("missing source dataset argument");
  const [from = "", to = ""] = operandsOf(parsed.operands, 2, "target dataset");
  await datasetStore(context.lab).rename(from, to);
  return 0;
}

/** Without -F no types; without -H columns are separated by blanks as well as tabs, which nobody can take apart. */
async function diff(context: CommandContext, args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, "FHt");
  if (parsed.has("t")) throw new UsageError("the lab host's zfs diff knows no -t");
  const [from, to, ...others] = parsed.operands;
  if (from === undefined) throw new UsageError("must provide at least one snapshot name");
  if (others.length > 0) throw new UsageError("too many arguments");
  const target = to ?? from.split("@")[0] ?? "";
  for (const line of await datasetStore(context.lab).diff(from, target)) {
    const fields = [line.change, ...(parsed.has("F") ? [line.type] : []), escapePath(line.path)];
    context.out(`${fields.join("\t")}\n`);
  }
  return 0;
}

/** Bytes that are not printable ASCII, blanks and backslashes as \0ooo. */
function escapePath(path: string): string {
  return Array.from(Buffer.from(path, "utf8"), (byte) =>
    byte > 0x20 && byte < 0x7f && byte !== 0x5c ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(4, "0")}`,
  ).join("");
}

async function set(context: CommandContext, args: readonly string[]): Promise<number> {
  const { operands } = parseArguments(args, "");
  const assignments = operands.filter((operand) => operand.includes("="));
  const names = operands.filter((operand) => !operand.includes("="));
  if (assignments.length === 0) throw new UsageError("missing property=value argument");
  if (names.length === 0) throw new UsageError("missing dataset name");
  const store = datasetStore(context.lab);
  for (const name of names) {
    const properties = propertiesFrom(assignments, "set property for", name);
    for (const [property, value] of Object.entries(properties)) await store.set(name, property, value);
  }
  return 0;
}

async function inherit(context: CommandContext, args: readonly string[]): Promise<number> {
  const [property, ...names] = parseArguments(args, "rS").operands;
  if (property === undefined) throw new UsageError("missing property argument");
  if (names.length === 0) throw new UsageError("missing dataset argument");
  for (const name of names) await datasetStore(context.lab).set(name, canonicalName(property), undefined);
  return 0;
}

/** Without operand, what is mounted. */
async function mount(context: CommandContext, args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, "aO");
  const store = datasetStore(context.lab);
  if (parsed.has("a")) {
    await store.mountAll();
    return 0;
  }
  const [name] = parsed.operands;
  if (name === undefined) {
    for (const dataset of await store.list())
      if (dataset.type === "filesystem" && (await store.isMounted(dataset.name)))
        context.out(`${dataset.name.padEnd(30)}  ${dataset.mountpoint ?? "-"}\n`);
    return 0;
  }
  if (await store.isMounted(name)) throw new ZfsError(`cannot mount '${name}': filesystem already mounted`);
  await store.mount(name);
  return 0;
}

async function unmount(context: CommandContext, args: readonly string[]): Promise<number> {
  const [name = ""] = operandsOf(parseArguments(args, "f").operands, 1, "filesystem");
  await datasetStore(context.lab).unmount(name.startsWith("/") ? name.slice(1) : name);
  return 0;
}
