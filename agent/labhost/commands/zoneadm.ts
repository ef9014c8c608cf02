// zoneadm(8) as far as people and agents use it on a container host: list, boot, halt, reboot.
import type { CommandContext, EmulatedCommand } from "../command.ts";
import { FailpointError } from "../failpoints.ts";
import { bootZone, haltZone } from "../runtime.ts";
import type { LabVm } from "../lab-vm.ts";
import { listZoneUuids, loadVm } from "../zone-store.ts";

const USAGE = `usage:\tzoneadm help
\tzoneadm [-z <zone>] [-u <uuid-match>] list [-cipv]
\tzoneadm {-z <zone>|-u <uuid-match>} boot|halt|reboot [-X]
`;

export const zoneadm: EmulatedCommand = async (context) => {
  const parsed = parse(context.args);
  if (parsed === undefined) {
    context.err(USAGE);
    return 2;
  }
  const { zone, subcommand, flags, operands } = parsed;
  if (subcommand === "list") return list(context, zone ?? operands[0], flags);
  if (zone === undefined) {
    context.err(`zoneadm: ${subcommand}: -z or -u option required\n`);
    return 2;
  }
  const vm = loadVm(context.lab, zone);
  if (!vm) {
    context.err(`zoneadm: ${zone}: No such zone configured\n`);
    return 1;
  }
  return act(context, vm, subcommand);
};

interface Parsed {
  readonly zone: string | undefined;
  readonly subcommand: string;
  readonly flags: ReadonlySet<string>;
  readonly operands: readonly string[];
}

function parse(args: readonly string[]): Parsed | undefined {
  const rest = [...args];
  let zone: string | undefined;
  while (rest[0] === "-z" || rest[0] === "-u") {
    zone = rest[1];
    rest.splice(0, 2);
  }
  const [subcommand, ...words] = rest;
  if (subcommand === undefined || !["list", "boot", "halt", "reboot"].includes(subcommand)) return undefined;
  const flags = new Set<string>();
  const operands: string[] = [];
  for (const word of words) {
    if (!word.startsWith("-")) operands.push(word);
    else for (const flag of word.slice(1)) flags.add(flag);
  }
  const known = subcommand === "list" ? "cipv" : "X";
  return [...flags].every((flag) => known.includes(flag)) ? { zone, subcommand, flags, operands } : undefined;
}

async function act({ lab, err }: CommandContext, vm: LabVm, subcommand: string): Promise<number> {
  try {
    if (subcommand === "halt") {
      if (await haltZone(lab, vm.uuid)) return 0;
      err(`zoneadm: zone '${vm.uuid}': zone is already halted\n`);
      return 1;
    }
    if (subcommand === "reboot") {
      if (vm["zone_state"] !== "running") {
        err(`zoneadm: zone '${vm.uuid}': must be running before reboot.\n`);
        return 1;
      }
      await haltZone(lab, vm.uuid);
    } else if (vm["zone_state"] === "configured" || vm["zone_state"] === "incomplete") {
      err(`zoneadm: zone '${vm.uuid}': must be installed before boot.\n`);
      return 1;
    }
    await bootZone(lab, vm.uuid);
    return 0;
  } catch (error) {
    if (!(error instanceof Error) || error instanceof FailpointError) throw error;
    err(`zoneadm: ${error.message}\n`);
    return 1;
  }
}

const GLOBAL = ["0", "global", "running", "/", "", "liveimg", "shared", "0"] as const;

/** Without -c and -i only what runs; -p is colon separated with `\:` for colons, -v a table. */
function list(context: CommandContext, zone: string | undefined, flags: ReadonlySet<string>): number {
  const { lab, out, err } = context;
  const every = flags.has("c") || flags.has("i") || zone !== undefined;
  const vms = listZoneUuids(lab).flatMap((uuid) => loadVm(lab, uuid) ?? []);
  const rows = [
    [...GLOBAL],
    ...vms
      .filter((vm) => every || isUp(vm))
      .filter((vm) => flags.has("c") || vm["zone_state"] !== "configured" || zone !== undefined)
      .map(rowOf),
  ].filter((row) => zone === undefined || row[1] === zone);
  if (zone !== undefined && rows.length === 0) {
    err(`zoneadm: ${zone}: No such zone configured\n`);
    return 1;
  }
  if (flags.has("p")) out(rows.map((row) => `${row.map((cell) => cell.replaceAll(":", "\\:")).join(":")}\n`).join(""));
  else if (flags.has("v")) out(table(rows));
  else out(rows.map((row) => `${row[1] ?? ""}\n`).join(""));
  return 0;
}

function isUp(vm: LabVm): boolean {
  return !["configured", "incomplete", "installed"].includes(String(vm["zone_state"]));
}

function rowOf(vm: LabVm): string[] {
  const zoneid = vm["zoneid"];
  return [
    typeof zoneid === "number" ? String(zoneid) : "-",
    vm.uuid,
    String(vm["zone_state"]),
    vm.zonepath,
    vm.uuid,
    String(vm["brand"]),
    "excl",
    typeof vm["zonedid"] === "number" ? String(vm["zonedid"]) : "",
  ];
}

function table(rows: readonly (readonly string[])[]): string {
  const line = ([id, name, status, path, brand, ip]: readonly (string | undefined)[]): string =>
    `${(id ?? "").padStart(4)} ${(name ?? "").padEnd(36)} ${(status ?? "").padEnd(10)} ${(path ?? "").padEnd(43)} ${(brand ?? "").padEnd(14)} ${ip ?? ""}\n`;
  return [
    line(["ID", "NAME", "STATUS", "PATH", "BRAND", "IP"]),
    ...rows.map(([id, name, status, path, , brand, ip]) => line([id, name, status, path, brand, ip])),
  ].join("");
}
