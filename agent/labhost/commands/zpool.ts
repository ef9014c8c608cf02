// The zpool emulation: one pool, `zones`, as large as the file system the lab lives on.
import { statfs } from "node:fs/promises";
import type { CommandContext, EmulatedCommand } from "../command.ts";
import { FailpointError } from "../failpoints.ts";
import { parseArguments, UsageError } from "./zfs/arguments.ts";
import { formatColumns, niceNumber, type Column } from "./zfs/format.ts";

const POOL = "zones";

const USAGE = `usage: zpool command args ...
where 'command' is one of the following:

	list [-Hp] [-o property[,...]] [pool] ...
	status [-x] [pool] ...
`;

class ZpoolError extends Error {}

export const zpool: EmulatedCommand = async (context) => {
  const [name, ...args] = context.args;
  try {
    if (name === undefined) throw new UsageError("missing command");
    await context.lab.failpoints.hit(`zpool.${name}.begin`);
    switch (name) {
      case "list":
        return await list(context, args);
      case "status":
        return status(context, args);
      default:
        throw new UsageError(`unrecognized command '${name}'`);
    }
  } catch (error) {
    if (error instanceof UsageError) {
      context.err(`${error.message}\n${USAGE}`);
      return 2;
    }
    if (!(error instanceof ZpoolError || error instanceof FailpointError)) throw error;
    context.err(`${error.message}\n`);
    return 1;
  }
};

function checkPools(operands: readonly string[]): void {
  const unknown = operands.find((operand) => operand !== POOL);
  if (unknown !== undefined) throw new ZpoolError(`cannot open '${unknown}': no such pool`);
}

const ALIASES: Readonly<Record<string, string>> = {
  alloc: "allocated",
  cap: "capacity",
  dedup: "dedupratio",
  frag: "fragmentation",
  expandsz: "expandsize",
};
const HEADERS: Readonly<Record<string, string>> = {
  allocated: "ALLOC",
  capacity: "CAP",
  dedupratio: "DEDUP",
  fragmentation: "FRAG",
  expandsize: "EXPANDSZ",
};
const TEXTUAL = new Set(["name", "health", "altroot"]);

async function list(context: CommandContext, args: readonly string[]): Promise<number> {
  const parsed = parseArguments(args, "Hpo:v");
  checkPools(parsed.operands);
  const { blocks, bavail, bsize } = await statfs(context.lab.path("/zones"));
  const size = blocks * bsize;
  const free = bavail * bsize;
  const exact = parsed.has("p");
  const bytes = (value: number): string => (exact ? String(value) : niceNumber(value));
  const capacity = size === 0 ? 0 : Math.floor(((size - free) / size) * 100);
  const values: Readonly<Record<string, string>> = {
    name: POOL,
    size: bytes(size),
    allocated: bytes(size - free),
    free: bytes(free),
    expandsize: "-",
    fragmentation: "-",
    capacity: exact ? String(capacity) : `${capacity}%`,
    dedupratio: "1.00x",
    health: "ONLINE",
    altroot: "-",
  };
  const wanted = (parsed.value("o") ?? "name,size,alloc,free,expandsz,frag,cap,dedup,health,altroot").split(",");
  const names = wanted.map((name) => ALIASES[name] ?? name);
  const row = names.map((name, index) => {
    const value = values[name];
    if (value === undefined) throw new UsageError(`bad property list: invalid property '${wanted[index] ?? ""}'`);
    return value;
  });
  const columns = names.map((name): Column => ({
    header: HEADERS[name] ?? name.toUpperCase(),
    align: TEXTUAL.has(name) ? "left" : "right",
  }));
  context.out(formatColumns(columns, [row], parsed.has("H")));
  return 0;
}

function status(context: CommandContext, args: readonly string[]): number {
  const parsed = parseArguments(args, "xv");
  checkPools(parsed.operands);
  if (parsed.has("x")) {
    context.out(parsed.operands.length > 0 ? `pool '${POOL}' is healthy\n` : "all pools are healthy\n");
    return 0;
  }
  context.out(`  pool: ${POOL}
 state: ONLINE
  scan: none requested
config:

	NAME        STATE     READ WRITE CKSUM
	${POOL.padEnd(10)}  ONLINE       0     0     0
	  lab       ONLINE       0     0     0

errors: No known data errors
`);
  return 0;
}
