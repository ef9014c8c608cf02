// How containers look to people: one row of `ps`, one document of `inspect`.
import type { ContainerFacts, HealthFacts } from "../docker-view/facts.ts";
import { labelsOfTags } from "../docker-view/labels.ts";
import { humanDuration } from "../docker-view/human-duration.ts";
import { statusText } from "../docker-view/status.ts";
import { formatBytes } from "../util/units.ts";
import type { VmObject } from "../vmadm/schema.ts";
import type { ContainerView } from "../zones/container-views.ts";
import { zonePhase } from "../zones/observe.ts";
import { maskEnv } from "./mask-env.ts";

export interface PsOptions {
  readonly now: Date;
  readonly noTrunc: boolean;
  readonly size: boolean;
}

/** The table of `ps`. Containers that came of one document show its name in a column of their own. */
export function psTable(views: readonly ContainerView[], options: PsOptions): { header: string[]; rows: string[][] } {
  const grouped = views.some(({ vm }) => groupOf(vm) !== undefined);
  return {
    header: [...PS_HEADER, ...(options.size ? ["SIZE"] : []), ...(grouped ? ["GROUP"] : [])],
    rows: views.map((view) => [
      ...psRow(view, options),
      ...(options.size ? [sizeText(view)] : []),
      ...(grouped ? [groupOf(view.vm) ?? "-"] : []),
    ]),
  };
}

const PS_HEADER = ["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "ADDRESSES", "NAME"];

/** Compose project or pod the container belongs to. */
function groupOf(vm: VmObject): string | undefined {
  const group = vm.internal_metadata["zonelet:group"];
  return typeof group === "string" ? group : undefined;
}

function psRow({ facts, vm, managed }: ContainerView, options: PsOptions): string[] {
  const command = quoteCommand([...facts.entrypoint, ...facts.cmd]);
  return [
    options.noTrunc ? facts.id : facts.id.slice(0, 12),
    facts.imageName ?? facts.imageUuid ?? "-",
    options.noTrunc || command.length <= 30 ? command : `${command.slice(0, 27)}...`,
    facts.createdAt === undefined ? "-" : `${humanDuration(options.now.getTime() - facts.createdAt.getTime())} ago`,
    `${statusText(facts, options.now)}${nextText(facts, options.now)}`,
    addresses(vm).join(", ") || "-",
    managed ? facts.name : `${facts.name} (foreign)`,
  ];
}

/** Of a container that waits for its restart. */
function nextText({ nextStart }: ContainerFacts, now: Date): string {
  const ms = nextStart === undefined ? 0 : nextStart.getTime() - now.getTime();
  return ms < 1000 ? "" : `, next try in ${humanDuration(ms)}`;
}

/** Its policy's number of restarts is used up. */
function hasGivenUp({
  restartPolicy: { maximumRetryCount: most },
  restartCount = 0,
  exit,
  autoboot,
}: ContainerFacts): boolean {
  return autoboot && exit !== undefined && exit.code !== 0 && most > 0 && restartCount >= most;
}

/** `1.2 MiB (virtual 8.4 MiB)`: what the container wrote, and with its image. */
function sizeText({ surroundings: { disk } }: ContainerView): string {
  return disk === undefined ? "-" : `${formatBytes(disk.written)} (virtual ${formatBytes(disk.total)})`;
}

/** Addresses without prefix; `dhcp` where the zone asks for one. */
function addresses(vm: VmObject): string[] {
  return (vm.nics ?? [])
    .flatMap((nic) => nic.ips ?? (nic.ip === undefined ? [] : [nic.ip]))
    .map((ip) => ip.replace(/\/\d+$/, ""));
}

function quoteCommand(argv: readonly string[]): string {
  return argv.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(" ");
}

function healthDocument(health: HealthFacts): Record<string, unknown> {
  const { status, failingStreak, log } = health;
  return { status, ...(status === "unknown" ? { reason: "no daemon runs the checks" } : {}), failingStreak, log };
}

/** Our view of one container. Values of variables whose names smell of secrets are masked unless asked for. */
export function inspectDocument(
  { vm, facts, managed }: ContainerView,
  options: { readonly showSecrets: boolean },
): Record<string, unknown> {
  return {
    id: facts.id,
    uuid: vm.uuid,
    name: facts.name,
    group: groupOf(vm),
    managed,
    image: { name: facts.imageName ?? facts.imageUuid, uuid: vm.image_uuid, id: facts.imageId },
    created: vm.create_timestamp,
    state: {
      phase: zonePhase(vm),
      zoneState: vm.zone_state,
      pid: vm.pid,
      startedAt: vm.boot_timestamp,
      ...(facts.exit === undefined
        ? {}
        : {
            exitCode: facts.exit.code,
            signal: facts.exit.signal,
            platformExitStatus: facts.exitStatus,
            ...(facts.startError === "" ? {} : { startError: facts.startError }),
            finishedAt: vm.exit_timestamp,
          }),
      // The platform's figures do not tell a death by the memory cap from another one by SIGKILL.
      oomKilled: facts.exit?.signal === "SIGKILL" ? "unknown" : false,
      restartCount: facts.restartCount ?? 0,
      nextStart: facts.nextStart?.toISOString(),
      ...(hasGivenUp(facts) ? { restartsGivenUp: true } : {}),
      ...(facts.health === undefined ? {} : { health: healthDocument(facts.health) }),
    },
    entrypoint: facts.entrypoint,
    command: facts.cmd,
    env: (facts.env ?? []).map((entry) => (options.showSecrets ? entry : maskEnv(entry))),
    user: vm.internal_metadata["docker:user"],
    workdir: vm.internal_metadata["docker:workdir"],
    hostname: vm.hostname,
    labels: labelsOfTags(facts.tags, undefined),
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
    mounts: facts.mounts.map(({ source, target, readOnly }) => ({
      source,
      target,
      ...(readOnly ? { readOnly } : {}),
    })),
    log: {
      driver: facts.log.driver,
      maxSize: vm.zlog_max_size,
      path: `${vm.zonepath}/logs/stdio.log`,
    },
  };
}
