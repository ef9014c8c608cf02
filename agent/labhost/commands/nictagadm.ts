// nictagadm(8): the tags nics may name. In the lab a tag has no physical interface behind it.
import { renameSync, writeFileSync } from "node:fs";
import { withLock } from "../../util/lock.ts";
import type { CommandContext, EmulatedCommand } from "../command.ts";
import { openLab, type Lab } from "../lab.ts";

const MAX_LENGTH = 31;
const USAGE = `Usage: nictagadm <subcommand> <args ...>

Subcommands:
\tadd [-p prop=value,...] [-l] <name> [mac]
\tdelete [-f] <name>
\texists [-l] <name>
\tlist [-l | -L] [-p] [-d delim]
`;

export const nictagadm: EmulatedCommand = async (context) => {
  const [subcommand, ...args] = context.args;
  const { flags, values, operands } = parse(args);
  switch (subcommand) {
    case "list":
      return list(context, flags, values.get("d") ?? "|");
    case "exists":
      return exists(context, operands, flags.has("l"));
    case "add":
      return change(context, operands, (tags, name) =>
        tags.includes(name) ? `nic tag already exists: ${name}` : [...tags, name],
      );
    case "delete":
      return change(context, operands, (tags, name) =>
        tags.includes(name) ? tags.filter((tag) => tag !== name) : `nic tag does not exist: ${name}`,
      );
    default:
      context.err(USAGE);
      return 2;
  }
};

function parse(args: readonly string[]): { flags: Set<string>; values: Map<string, string>; operands: string[] } {
  const flags = new Set<string>();
  const values = new Map<string, string>();
  const operands: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (arg === "-d") values.set("d", args[++at] ?? "");
    else if (arg.startsWith("-")) for (const flag of arg.slice(1)) flags.add(flag);
    else operands.push(arg);
  }
  return { flags, values, operands };
}

function list({ lab, out }: CommandContext, flags: ReadonlySet<string>, delimiter: string): number {
  const rows = flags.has("l") ? [] : lab.config.nicTags.map((tag) => [tag, "-", "-", "normal"]);
  if (flags.has("p")) out(rows.map((row) => `${row.join(delimiter)}\n`).join(""));
  else {
    const line = ([name, mac, link, type]: readonly string[]): string =>
      `${(name ?? "").padEnd(15)}${(mac ?? "").padEnd(19)}${(link ?? "").padEnd(15)}${type ?? ""}\n`;
    out([["NAME", "MACADDRESS", "LINK", "TYPE"], ...rows].map(line).join(""));
  }
  return 0;
}

/** With -l every missing name goes to stderr, one a line; etherstubs are tags, too. */
function exists({ lab, err }: CommandContext, names: readonly string[], listMissing: boolean): number {
  if (names.length === 0) {
    err(USAGE);
    return 2;
  }
  const missing = names.filter((name) => !lab.config.nicTags.includes(name));
  if (listMissing) err(missing.map((name) => `${name}\n`).join(""));
  return missing.length === 0 ? 0 : 1;
}

async function change(
  { lab, err }: CommandContext,
  operands: readonly string[],
  edit: (tags: readonly string[], name: string) => readonly string[] | string,
): Promise<number> {
  const name = operands[0];
  if (name === undefined || name.length > MAX_LENGTH || !/^[a-zA-Z0-9_]+$/.test(name)) {
    err(name === undefined ? USAGE : `nictagadm: nic tag name "${name}" is invalid\n`);
    return name === undefined ? 2 : 1;
  }
  return withLock(lab.own("locks/lab.json"), () => {
    const now = openLab({ ...process.env, LABHOST_ROOT: lab.root });
    const edited = edit(now.config.nicTags, name);
    if (typeof edited === "string") {
      err(`nictagadm: ${edited}\n`);
      return Promise.resolve(1);
    }
    writeTags(now, edited);
    return Promise.resolve(0);
  });
}

function writeTags(lab: Lab, nicTags: readonly string[]): void {
  const file = lab.own("lab.json");
  writeFileSync(`${file}.new`, `${JSON.stringify({ ...lab.config, nicTags }, undefined, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}
