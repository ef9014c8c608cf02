// How containers look to people: one row of `ps`, one document of `inspect`.
import type { VmObject } from "../vmadm/schema.ts";
import { containerName, dockerId } from "../zones/find.ts";
import { exitOf, zonePhase } from "../zones/observe.ts";
import { humanAge } from "./output.ts";

export interface PsOptions {
  readonly now: Date;
  readonly noTrunc: boolean;
  readonly managed: (vm: VmObject) => boolean;
}

/** The table of `ps`. Containers that came of one document show its name in a column of their own. */
export function psTable(vms: readonly VmObject[], options: PsOptions): { header: string[]; rows: string[][] } {
  const grouped = vms.some((vm) => groupOf(vm) !== undefined);
  return {
    header: [...PS_HEADER, ...(grouped ? ["GROUP"] : [])],
    rows: vms.map((vm) => [...psRow(vm, options), ...(grouped ? [groupOf(vm) ?? "-"] : [])]),
  };
}

const PS_HEADER = ["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "ADDRESSES", "NAME"];

/** Compose project or pod the container belongs to. */
function groupOf(vm: VmObject): string | undefined {
  const group = vm.internal_metadata["zonelet:group"];
  return typeof group === "string" ? group : undefined;
}

function psRow(vm: VmObject, options: PsOptions): string[] {
  const id = dockerId(vm);
  const command = quoteCommand(commandOf(vm));
  return [
    options.noTrunc ? id : id.slice(0, 12),
    imageName(vm),
    options.noTrunc || command.length <= 30 ? command : `${command.slice(0, 27)}...`,
    vm.create_timestamp === undefined
      ? "-"
      : `${humanAge(options.now.getTime() - Date.parse(vm.create_timestamp))} ago`,
    statusText(vm, options.now),
    addresses(vm).join(", ") || "-",
    options.managed(vm) ? containerName(vm) : `${containerName(vm)} (foreign)`,
  ];
}

/** `Up 3 minutes`, `Exited (0) 5 seconds ago`, `Created`, … */
export function statusText(vm: VmObject, now: Date): string {
  const phase = zonePhase(vm);
  switch (phase) {
    case "running": {
      const since = vm.boot_timestamp === undefined ? undefined : Date.parse(vm.boot_timestamp);
      return since === undefined ? "Up" : `Up ${humanAge(now.getTime() - since)}`;
    }
    case "exited": {
      const exit = exitOf(vm);
      const ended =
        vm.exit_timestamp === undefined ? "" : ` ${humanAge(now.getTime() - Date.parse(vm.exit_timestamp))} ago`;
      return `Exited (${exit?.code ?? "?"})${ended}`;
    }
    case "created":
      return "Created";
    case "failed":
      return "Failed";
    case "provisioning":
      return "Provisioning";
    case "starting":
      return "Starting";
    case "stopping":
      return "Stopping";
    case "absent":
    case "unknown":
      return `Unknown (${vm.state})`;
  }
}

export function imageName(vm: VmObject): string {
  const name = vm.internal_metadata["docker:imagename"];
  return typeof name === "string" ? name : (vm.image_uuid ?? "-");
}

/** Addresses without prefix; `dhcp` where the zone asks for one. */
export function addresses(vm: VmObject): string[] {
  return (vm.nics ?? [])
    .flatMap((nic) => nic.ips ?? (nic.ip === undefined ? [] : [nic.ip]))
    .map((ip) => ip.replace(/\/\d+$/, ""));
}

function commandOf(vm: VmObject): string[] {
  return [...jsonList(vm.internal_metadata["docker:entrypoint"]), ...jsonList(vm.internal_metadata["docker:cmd"])];
}

function quoteCommand(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(" ");
}

/** Metadata holds lists as JSON text; an operator may have put anything there. */
function jsonList(value: unknown): string[] {
  if (typeof value !== "string") return [];
  try {
    const parsed: unknown = JSON.parse(value);
    return Array.isArray(parsed) ? parsed.filter((item) => typeof item === "string") : [];
  } catch {
    return [];
  }
}

const SECRET_NAME = /pass|secret|token|key|auth|credential/i;

/** Our view of one container. Values of variables whose names smell of secrets are masked unless asked for. */
export function inspectDocument(
  vm: VmObject,
  options: { readonly showSecrets: boolean; readonly managed: boolean },
): Record<string, unknown> {
  const exit = exitOf(vm);
  const labels = Object.fromEntries(
    Object.entries(vm.tags)
      .filter(([key]) => key.startsWith("docker:label:"))
      .map(([key, value]) => [key.slice("docker:label:".length), value]),
  );
  return {
    id: dockerId(vm),
    uuid: vm.uuid,
    name: containerName(vm),
    group: groupOf(vm),
    managed: options.managed,
    image: { name: imageName(vm), uuid: vm.image_uuid, id: vm.internal_metadata["docker:imageid"] },
    created: vm.create_timestamp,
    state: {
      phase: zonePhase(vm),
      zoneState: vm.zone_state,
      pid: vm.pid,
      startedAt: vm.boot_timestamp,
      ...(exit === undefined ? {} : { exitCode: exit.code, signal: exit.signal, finishedAt: vm.exit_timestamp }),
      restartCount: vm.internal_metadata["docker:restartcount"] ?? 0,
    },
    entrypoint: jsonList(vm.internal_metadata["docker:entrypoint"]),
    command: jsonList(vm.internal_metadata["docker:cmd"]),
    env: jsonList(vm.internal_metadata["docker:env"]).map((entry) => (options.showSecrets ? entry : maskEnv(entry))),
    user: vm.internal_metadata["docker:user"],
    workdir: vm.internal_metadata["docker:workdir"],
    hostname: vm.hostname,
    labels,
    restartPolicy: vm.internal_metadata["docker:restartpolicy"] ?? "no",
    limits: { memoryMiB: vm.max_physical_memory, swapMiB: vm.max_swap, cpuCapPercent: vm.cpu_cap, quotaGiB: vm.quota },
    nics: (vm.nics ?? []).map((nic) => ({
      interface: nic.interface,
      nicTag: nic.nic_tag,
      ips: nic.ips,
      gateway: nic.gateway,
      mac: nic.mac,
      vlan: nic.vlan_id,
    })),
    mounts: (vm.filesystems ?? []).map((fs) => ({ source: fs.source, target: fs.target })),
    log: {
      driver: vm.internal_metadata["docker:logdriver"] ?? "json-file",
      maxSize: vm.zlog_max_size,
      path: `${vm.zonepath}/logs/stdio.log`,
    },
  };
}

function maskEnv(entry: string): string {
  const equals = entry.indexOf("=");
  return equals > 0 && SECRET_NAME.test(entry.slice(0, equals)) ? `${entry.slice(0, equals)}=********` : entry;
}
