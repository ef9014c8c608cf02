// Zone configurations (`/etc/zones/<uuid>.json` here, XML on the platform), the files below `<zonepath>/config`, and the
// zone object made of them (vmadm.md 9, 14). Every file is replaced as a whole, so readers need no lock.
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../util/atomic-file.ts";
import { withLock } from "../util/lock.ts";
import { PLATFORM_STAMP, type Lab } from "./lab.ts";
import { settledConfig } from "./provisioning-file.ts";
import { zoneRuntime, type ZoneRuntime } from "./runtime.ts";
import { parseExitRecord } from "./vm/exit-record.ts";
import type { Payload } from "./vm/json-text.ts";
import { composeVm, type DatasetFacts } from "./vm/vm-object.ts";
import type { ZoneConfig } from "./vm/zone-config.ts";
import type { LabVm } from "./lab-vm.ts";

export type RuntimeReader = (lab: Lab, uuid: string) => ZoneRuntime;

export interface LoadOptions {
  /** Where the kernel's view of the zone comes from; tests give their own. */
  readonly runtime?: RuntimeReader | undefined;
  /** The zone's datasets; without them quota, snapshots and the other dataset fields are left out. */
  readonly datasets?: DatasetFacts | undefined;
}

const LIVE = { sync: false } as const; // must survive our death, not the machine's

/**
 * The object of a zone, state and exit record included; undefined for a uuid nobody configured. Dataset fields only
 * if the caller brings them: reading the pool is its own affair.
 */
export function loadVm(lab: Lab, uuid: string, options: LoadOptions = {}): LabVm | undefined {
  const stored = readZoneConfig(lab, uuid);
  if (!stored) return undefined;
  const config = settledConfig(lab, stored);
  const metadata = readJson(configFile(lab, config, "metadata.json"));
  const runtime = (options.runtime ?? zoneRuntime)(lab, uuid);
  return composeVm({
    config,
    runtime,
    node: { serverUuid: lab.config.serverUuid, platformBuildstamp: PLATFORM_STAMP },
    lastModified: lastModified(lab, config),
    exit: parseExitRecord(readText(join(lab.path(config.zonepath), "lastexited")) ?? ""),
    customerMetadata: flat(metadata["customer_metadata"]),
    internalMetadata: flat(metadata["internal_metadata"]),
    routes: readJson(configFile(lab, config, "routes.json")),
    tags: readJson(configFile(lab, config, "tags.json")),
    datasets: options.datasets,
  });
}

/** In the order of their names; vminfod's own order is not determined. */
export function listZoneUuids(lab: Lab): string[] {
  let names: string[];
  try {
    names = readdirSync(lab.path("/etc/zones"));
  } catch {
    return [];
  }
  return names.flatMap((name) => /^([0-9a-f-]{36})\.json$/.exec(name)?.[1] ?? []).sort();
}

export function readZoneConfig(lab: Lab, uuid: string): ZoneConfig | undefined {
  if (!/^[0-9a-f-]{36}$/.test(uuid)) return undefined; // vmadm checks the shape of an argument only, it may hold a slash
  const text = readText(zoneFile(lab, uuid));
  return text === undefined ? undefined : (JSON.parse(text) as ZoneConfig);
}

/** `zonecfg create`. False: the zone exists already. */
export function addZoneConfig(lab: Lab, config: Omit<ZoneConfig, "zonedid">): Promise<boolean> {
  return withZonecfgLock(lab, config.uuid, async () => {
    if (readZoneConfig(lab, config.uuid)) return false;
    const zonedid = await nextZoneDebugId(lab);
    await writeFileAtomic(zoneFile(lab, config.uuid), text({ ...config, zonedid }), LIVE);
    return true;
  });
}

/** One zonecfg invocation: reads, changes and writes under the zone's zonecfg lock. Undefined: there is no such zone. */
export function changeZoneConfig(
  lab: Lab,
  uuid: string,
  change: (config: ZoneConfig) => ZoneConfig,
): Promise<ZoneConfig | undefined> {
  return withZonecfgLock(lab, uuid, async () => {
    const config = readZoneConfig(lab, uuid);
    if (!config) return undefined;
    const changed = change(config);
    if (text(changed) !== text(config)) await writeFileAtomic(zoneFile(lab, uuid), text(changed), LIVE);
    return changed;
  });
}

/** Sets properties of the configuration and nothing else. */
export async function setZoneProperties(lab: Lab, uuid: string, properties: Payload): Promise<void> {
  await changeZoneConfig(lab, uuid, (config) => ({ ...config, properties: { ...config.properties, ...properties } }));
}

/** `zonecfg delete -F`. No such zone is fine. */
export function removeZoneConfig(lab: Lab, uuid: string): Promise<void> {
  return withZonecfgLock(lab, uuid, () => {
    rmSync(zoneFile(lab, uuid), { force: true });
    return Promise.resolve();
  });
}

export type ConfigFile = "metadata.json" | "tags.json" | "routes.json" | "hosts" | "hostname" | "resolv.conf";

/** Writes a file below the zone's config/ (not visible in the zone, or mounted into it for docker's three). */
export async function writeConfigFile(
  lab: Lab,
  zone: Pick<ZoneConfig, "zonepath">,
  name: ConfigFile,
  content: string | Payload,
): Promise<void> {
  const file = configFile(lab, zone, name);
  mkdirSync(join(lab.path(zone.zonepath), "config"), { recursive: true, mode: 0o755 });
  const mode = name.endsWith(".json") ? 0o600 : 0o644;
  await writeFileAtomic(file, typeof content === "string" ? content : text(content), { ...LIVE, mode });
}

export interface Metadata {
  readonly internal_metadata: Payload;
  readonly customer_metadata: Payload;
}

/** Callers hold the zone's config lock. */
export async function changeMetadata(
  lab: Lab,
  zone: Pick<ZoneConfig, "zonepath">,
  change: (metadata: Metadata) => Metadata,
): Promise<void> {
  const now = readJson(configFile(lab, zone, "metadata.json"));
  const before = {
    internal_metadata: flat(now["internal_metadata"]),
    customer_metadata: flat(now["customer_metadata"]),
  };
  const { internal_metadata, customer_metadata } = change(before);
  await writeConfigFile(lab, zone, "metadata.json", { internal_metadata, customer_metadata });
}

/** Sets (or with undefined removes) metadata as the supervisor's restart policy does; takes the zone's config lock. */
export async function setInternalMetadata(
  lab: Lab,
  uuid: string,
  changes: Readonly<Record<string, string | number | boolean | undefined>>,
): Promise<void> {
  await withConfigLock(lab, uuid, async () => {
    const config = readZoneConfig(lab, uuid);
    if (!config) return;
    await changeMetadata(lab, config, (metadata) => ({
      ...metadata,
      internal_metadata: withoutUndefined({ ...metadata.internal_metadata, ...changes }),
    }));
  });
}

function withoutUndefined(object: Payload): Payload {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));
}

/** `/var/run/vm.U.config.lockfile` (vmadm.md 13): update, snapshots, and start while it writes the restart count. */
export function withConfigLock<T>(lab: Lab, uuid: string, work: () => Promise<T>): Promise<T> {
  return withLock(lockFile(lab, uuid, "config"), work);
}

function withZonecfgLock<T>(lab: Lab, uuid: string, work: () => Promise<T>): Promise<T> {
  return withLock(lockFile(lab, uuid, "zonecfg"), work);
}

function lockFile(lab: Lab, uuid: string, kind: string): string {
  return lab.own("locks", `vm.${uuid.replaceAll(/[^0-9A-Za-z-]/g, "_")}.${kind}`);
}

/** The kernel's debug ids of zones: counted up, never used again. */
function nextZoneDebugId(lab: Lab): Promise<number> {
  return withLock(lab.own("locks", "zonedid"), async () => {
    const file = lab.own("zonedid");
    const next = Number(readText(file) ?? "0") + 1;
    await writeFileAtomic(file, String(next), LIVE);
    return next;
  });
}

function lastModified(lab: Lab, config: ZoneConfig): Date {
  const files = [
    zoneFile(lab, config.uuid),
    ...(["metadata.json", "routes.json", "tags.json"] as const).map((name) => configFile(lab, config, name)),
    join(lab.path(config.zonepath), "lastexited"),
  ];
  return new Date(Math.max(...files.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0)));
}

function zoneFile(lab: Lab, uuid: string): string {
  return join(lab.path("/etc/zones"), `${uuid}.json`);
}

function configFile(lab: Lab, zone: Pick<ZoneConfig, "zonepath">, name: ConfigFile): string {
  return join(lab.path(zone.zonepath), "config", name);
}

function text(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function readText(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined; // Not there, or its dataset is not mounted: both are "absent" to vminfod.
  }
}

function readJson(file: string): Payload {
  const content = readText(file);
  return content === undefined ? {} : (JSON.parse(content) as Payload);
}

function flat(value: unknown): Payload {
  return typeof value === "object" && value !== null ? (value as Payload) : {};
}
