// A container spec in the notation people write: what the reader reads back as the same spec.
import { GIB, KIB, MIB } from "../../util/units.ts";
import type { ContainerSpec } from "../container-spec.ts";
import type { Command } from "../image-defaults.ts";
import { commandWords } from "./command-notation.ts";

/** A document, and what it cannot say. */
export interface Written {
  readonly value: Readonly<Record<string, unknown>>;
  /** `path`: the field of the container spec. */
  readonly gaps: readonly { readonly path: string; readonly message: string }[];
}

/** The spec with `command` as what runs, whatever its own fields say. Env files must have been read. */
export function specNotation(spec: ContainerSpec, command: Command): Written {
  const { gap, ...words } = commandWords(command);
  const { memory, memorySwap, lockedMemory, disk, tmpfs } = spec;
  const size = (bytes: number | undefined): string | number | undefined =>
    bytes === undefined ? undefined : sizeText(bytes);
  const value = {
    zonelet: 1,
    name: spec.name,
    image: spec.image,
    ...words,
    env: spec.env,
    user: spec.user,
    addUser: spec.addUser,
    nonRoot: spec.nonRoot,
    workdir: spec.workdir,
    hostname: spec.hostname,
    domainname: spec.domainname,
    labels: spec.labels === undefined ? undefined : labelNotation(spec.labels),
    tty: spec.tty,
    stdin: spec.stdin,
    package: spec.package,
    memory: size(memory),
    memorySwap: memorySwap === -1 ? -1 : size(memorySwap),
    lockedMemory: size(lockedMemory),
    tmpfs: tmpfs === true ? true : size(tmpfs),
    cpus: spec.cpus,
    cpuShares: spec.cpuShares,
    pids: spec.pids,
    disk: size(disk),
    ioPriority: spec.ioPriority,
    networks: spec.networks?.length === 0 ? "none" : spec.networks,
    dns: spec.dns,
    dnsSearch: spec.dnsSearch,
    extraHosts: spec.extraHosts,
    volumes: spec.volumes?.map(volumeNotation),
    restart: spec.restart === undefined ? undefined : restartText(spec.restart),
    healthcheck: spec.healthcheck === undefined ? undefined : healthNotation(spec.healthcheck),
    log: spec.log,
    stopSignal: spec.stopSignal,
    stopTimeout: durationText(spec.stopTimeout),
    kernelVersion: spec.kernelVersion,
    autoRemove: spec.autoRemove,
    firewall: spec.firewall,
  };
  return { value: defined(value), gaps: gap === undefined ? [] : [{ path: "entrypoint", message: gap }] };
}

export function defined(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined));
}

function sizeText(bytes: number): string | number {
  for (const [unit, suffix] of [
    [GIB, "g"],
    [MIB, "m"],
    [KIB, "k"],
  ] as const)
    if (bytes > 0 && bytes % unit === 0) return `${bytes / unit}${suffix}`;
  return bytes;
}

function durationText(ms: number | undefined): string | undefined {
  if (ms === undefined) return undefined;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

/** Documents refuse `__proto__` as a key; a list holds it. */
function labelNotation(labels: Readonly<Record<string, string>>): unknown {
  return Object.hasOwn(labels, "__proto__") ? Object.entries(labels).map(([key, value]) => `${key}=${value}`) : labels;
}

type Volume = NonNullable<ContainerSpec["volumes"]>[number];

function volumeNotation(volume: Volume): unknown {
  const { type, source, target, readOnly } = volume;
  if (`${source ?? ""}${target}`.includes(":") || (type === "volume" && readOnly)) return volume;
  return source === undefined ? target : `${source}:${target}${readOnly ? ":ro" : ""}`;
}

export function restartText({ policy, maxRetries }: NonNullable<ContainerSpec["restart"]>): string {
  return policy === "on-failure" && maxRetries > 0 ? `${policy}:${maxRetries}` : policy;
}

function healthNotation(check: NonNullable<ContainerSpec["healthcheck"]>): unknown {
  if (!("interval" in check || "timeout" in check || "retries" in check) && check.test?.[0] === "NONE") return "none";
  const { test, ...rest } = check;
  const times = Object.entries(rest).map(([key, value]): [string, unknown] => [
    key,
    key === "retries" ? value : durationText(value),
  ]);
  return defined({ test, ...Object.fromEntries(times) });
}
