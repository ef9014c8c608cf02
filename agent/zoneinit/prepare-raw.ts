// A raw vmadm manifest as a payload: as little changed as the agent's own promises allow, metadata text byte for byte.
import { randomBytes } from "node:crypto";
import { AgentError } from "../errors/agent-error.ts";
import { lintRawManifest } from "../spec/lint.ts";
import { randomName } from "../spec/names.ts";
import { specError, type SpecProblem, type SpecWarning } from "../spec/problem.ts";
import type { RawManifest, RawNic } from "../spec/raw-manifest.ts";
import { isAllowedSource } from "../spec/resolve-mounts.ts";
import type { NodeFacts, SpecImage } from "../spec/resolve.ts";
import { parseSignal } from "../util/linux-signals.ts";
import { fieldPlace, problemAt, type SpecSource } from "../spec/source.ts";
import { checkUser, type ImageFiles } from "../spec/user.ts";
import { imageUuidFromHex, isContainerName, isUuid, isZoneUuid, newZoneUuid, type ZoneUuid } from "../util/ids.ts";
import type { ZoneManifest, ZoneNic } from "../vmadm/schema.ts";
import type { Metadata } from "./dockerinit.ts";
import { logFaults } from "./log-driver.ts";
import { DEFAULT_STOP_SIGNAL, DEFAULT_STOP_TIMEOUT_S, withMarks, type Promises } from "./manifest.ts";
import { DOCKER_KEYS, MARK_KEYS } from "./metadata-keys.ts";
import { payloadPaths } from "./origins.ts";
import type { Identity } from "./prepare.ts";
import type { PreparedZone, ValueOrigin } from "./prepared.ts";

/** `docker:` keys that vmadm takes for true whatever text they hold. */
const BOOLEAN_KEYS: readonly string[] = [DOCKER_KEYS.tty, DOCKER_KEYS.openStdin];

/**
 * A checked manifest as a payload. `image` may be absent where the manifest names an image_uuid. Raises SPEC_INVALID,
 * NO_COMMAND (dockerinit would end with code 13) and USER_UNKNOWN as `prepareContainer` does.
 */
export function prepareRaw(
  document: { readonly manifest: RawManifest; readonly source: SpecSource },
  image: SpecImage | undefined,
  node: NodeFacts,
  files: ImageFiles = {},
  identity: Identity = {},
): PreparedZone {
  const { manifest: raw, source } = document;
  const imageUuid = raw.image_uuid ?? image?.imageUuid;
  if (imageUuid === undefined)
    throw new AgentError("INTERNAL", `the image ${raw.image ?? ""} of ${source.name} was not resolved`);
  const warnings: SpecWarning[] = [...lintRawManifest(raw, source)];
  const metadata = givenMetadata(raw);
  const problems = [...mountProblems(raw, node, source), ...logProblems(metadata, node, source)];
  const promises = {
    ...promisesOf(raw, source, imageUuid, problems),
    ...(identity.autoRemove === true ? { autoRemove: true } : {}),
    ...(identity.owner === undefined ? {} : { owner: identity.owner }),
  };
  if (promises.autoRemove && metadata[DOCKER_KEYS.restartPolicy] !== undefined)
    problems.push(
      problemAt(
        source,
        ["internal_metadata", DOCKER_KEYS.restartPolicy],
        "a container that is removed when it exits cannot be restarted",
      ),
    );
  if (problems.length > 0) throw specError("SPEC_INVALID", problems);
  if (raw.docker === true) checkContainer(metadata, source, files, warnings);

  const uuid = zoneUuidOf(raw, identity);
  const name = identity.name ?? raw.alias ?? randomName();
  if (!isContainerName(name))
    throw new AgentError("SPEC_INVALID", `${JSON.stringify(name)} is not a name for a container`);
  const manifest = withMarks(
    {
      uuid,
      brand: "lx",
      ...(raw.docker === true ? { docker: true } : {}),
      autoboot: false,
      image_uuid: imageUuid,
      kernel_version: raw.kernel_version ?? image?.kernelVersion ?? node.defaults.kernelVersion,
      alias: name,
      ...passedOn(raw),
      internal_metadata: {
        ...metadata,
        ...(raw.docker === true && metadata[DOCKER_KEYS.id] === undefined
          ? { [DOCKER_KEYS.id]: uuid.replaceAll("-", "") + randomBytes(16).toString("hex") }
          : {}),
      },
    },
    promises,
    { name: raw.alias === undefined, hostname: false },
  );
  return {
    name,
    manifest,
    autoRemove: promises.autoRemove,
    tty: metadata[DOCKER_KEYS.tty] === true,
    openStdin: metadata[DOCKER_KEYS.openStdin] === true,
    stopSignal: promises.stopSignal,
    stopTimeoutS: promises.stopTimeoutS,
    bindSources: (raw.filesystems ?? []).flatMap(({ source: path }, i) =>
      isUuid(path) ? [] : [{ path, place: fieldPlace(source, ["filesystems", i, "source"]) }],
    ),
    volumes: [],
    files: [],
    directories: [],
    warnings,
    origins: rawOrigins(manifest, source),
  };
}

type Decided =
  "uuid" | "brand" | "docker" | "autoboot" | "image_uuid" | "kernel_version" | "alias" | "internal_metadata";

/** Properties that go through as they are. Absent ones stay absent: vmadm's defaults hold. */
function passedOn(raw: RawManifest): Omit<Partial<ZoneManifest>, Decided> {
  const keys = [
    "hostname",
    "dns_domain",
    "resolvers",
    "maintain_resolvers",
    "owner_uuid",
    "billing_id",
    "max_locked_memory",
    "max_swap",
    "max_shm_memory",
    "max_lwps",
    "max_msg_ids",
    "max_sem_ids",
    "max_shm_ids",
    "tmpfs",
    "cpu_cap",
    "cpu_shares",
    "zfs_io_priority",
    "quota",
    "zpool",
    "firewall_enabled",
    "zlog_max_size",
    "archive_on_delete",
    "indestructible_zoneroot",
    "routes",
    "tags",
    "customer_metadata",
  ] as const;
  const memory = raw.max_physical_memory ?? raw.ram;
  return {
    ...Object.fromEntries(keys.flatMap((key) => (raw[key] === undefined ? [] : [[key, raw[key]]]))),
    ...(memory === undefined ? {} : { max_physical_memory: memory }),
    ...(raw.nics === undefined ? {} : { nics: raw.nics.map(zoneNic) }),
    ...(raw.filesystems === undefined
      ? {}
      : { filesystems: raw.filesystems.map(({ options = [], ...fs }) => ({ ...fs, options })) }),
    ...(raw.docker !== true && raw.internal_metadata_namespaces !== undefined
      ? { internal_metadata_namespaces: raw.internal_metadata_namespaces }
      : {}),
  };
}

function zoneNic(nic: RawNic): ZoneNic {
  return {
    nic_tag: nic.nic_tag,
    ips: nic.ips,
    ...(nic.gateways === undefined ? {} : { gateways: nic.gateways }),
    ...(nic.mac === undefined ? {} : { mac: nic.mac }),
    ...(nic.vlan_id === undefined ? {} : { vlan_id: nic.vlan_id }),
    ...(nic.primary === true ? { primary: true as const } : {}),
    ...(nic.mtu === undefined ? {} : { mtu: nic.mtu }),
    ...(nic.network_uuid === undefined ? {} : { network_uuid: nic.network_uuid }),
    ...(nic.allow_ip_spoofing === undefined ? {} : { allow_ip_spoofing: nic.allow_ip_spoofing }),
    ...(nic.allow_dhcp_spoofing === undefined ? {} : { allow_dhcp_spoofing: nic.allow_dhcp_spoofing }),
    ...(nic.allow_mac_spoofing === undefined ? {} : { allow_mac_spoofing: nic.allow_mac_spoofing }),
    ...(nic.allow_restricted_traffic === undefined ? {} : { allow_restricted_traffic: nic.allow_restricted_traffic }),
    ...(nic.allowed_ips === undefined ? {} : { allowed_ips: nic.allowed_ips }),
  };
}

/** Metadata without our marks (they are written anew) and without forms that mean something else than they say. */
function givenMetadata(raw: RawManifest): Metadata {
  const entries = Object.entries(raw.internal_metadata ?? {}).flatMap(([key, value]): [string, Metadata[string]][] => {
    if (key.startsWith("zonelet:")) return [];
    if (raw.docker !== true) return [[key, value]];
    if (BOOLEAN_KEYS.includes(key)) return value === true || value === "true" ? [[key, true]] : [];
    if (key === DOCKER_KEYS.restartPolicy && !/^(always|on-failure(:\d+)?)$/.test(String(value))) return [];
    return [[key, value]];
  });
  return Object.fromEntries(entries);
}

function promisesOf(raw: RawManifest, source: SpecSource, imageUuid: string, problems: SpecProblem[]): Promises {
  const given = raw.internal_metadata ?? {};
  const signal = parseSignal(String(given[MARK_KEYS.stopSignal] ?? DEFAULT_STOP_SIGNAL));
  if (signal === undefined)
    problems.push(problemAt(source, ["internal_metadata", MARK_KEYS.stopSignal], "is not a signal a zone can be sent"));
  const timeout = Number(given[MARK_KEYS.stopTimeout] ?? DEFAULT_STOP_TIMEOUT_S);
  if (!Number.isSafeInteger(timeout) || timeout < 1)
    problems.push(problemAt(source, ["internal_metadata", MARK_KEYS.stopTimeout], "must be a whole number of seconds"));
  return {
    imageName: raw.image ?? String(given[DOCKER_KEYS.imageName] ?? imageUuid),
    stopSignal: signal ?? DEFAULT_STOP_SIGNAL,
    stopTimeoutS: timeout,
    autoRemove: given[MARK_KEYS.autoRemove] === true,
  };
}

function checkContainer(metadata: Metadata, source: SpecSource, files: ImageFiles, warnings: SpecWarning[]): void {
  const empty = (key: string): boolean => /^\s*\[\s*\]\s*$/.test(String(metadata[key] ?? "[]"));
  if (empty(DOCKER_KEYS.entrypoint) && empty(DOCKER_KEYS.cmd))
    throw specError(
      "NO_COMMAND",
      [problemAt(source, ["internal_metadata"], "no command specified: neither docker:cmd nor docker:entrypoint")],
      "a raw manifest takes nothing from its image: give docker:cmd, or write a container spec",
    );
  const path = ["internal_metadata", DOCKER_KEYS.user];
  const user = checkUser(String(metadata[DOCKER_KEYS.user] ?? ""), files);
  if (!user.ok) throw specError("USER_UNKNOWN", [problemAt(source, path, user.message)], user.hint);
  if (user.warning !== undefined)
    warnings.push({
      path: path.join("."),
      message: `user ${user.user} ${user.warning}`,
      where: source.locate(path).where,
    });
}

function mountProblems(raw: RawManifest, node: NodeFacts, source: SpecSource): SpecProblem[] {
  return (raw.filesystems ?? []).flatMap((fs, i) =>
    isUuid(fs.source) || isAllowedSource(fs.source, node.mounts.allowedRoots)
      ? []
      : [
          problemAt(
            source,
            ["filesystems", i, "source"],
            `${fs.source} is not below a directory of the configuration's mounts.allowedRoots`,
          ),
        ],
  );
}

function logProblems(metadata: Metadata, node: NodeFacts, source: SpecSource): SpecProblem[] {
  const driver = metadata[DOCKER_KEYS.logDriver];
  if (driver === undefined) return [];
  const config: unknown = JSON.parse(String(metadata[DOCKER_KEYS.logConfig] ?? "{}"));
  const options = Object.entries(typeof config === "object" && config !== null ? config : {}).map(
    ([key, value]) => [key, String(value)] as const,
  );
  return logFaults(String(driver), Object.fromEntries(options), { hasLogger: node.platformLogger ?? false }).map(
    ({ at, message }) =>
      at === "driver"
        ? problemAt(source, ["internal_metadata", DOCKER_KEYS.logDriver], message)
        : problemAt(source, ["internal_metadata", DOCKER_KEYS.logConfig], `${at.option}: ${message}`),
  );
}

/** A given docker:id begins with the zone's uuid (vmadm.md 7), so it decides the uuid where none is given. */
function zoneUuidOf(raw: RawManifest, identity: Identity): ZoneUuid {
  if (raw.uuid !== undefined && isZoneUuid(raw.uuid)) return raw.uuid;
  if (identity.uuid !== undefined) return identity.uuid;
  const id = raw.internal_metadata?.[DOCKER_KEYS.id];
  const fromId: string | undefined = typeof id === "string" ? imageUuidFromHex(id) : undefined;
  return fromId !== undefined && isZoneUuid(fromId) ? fromId : newZoneUuid();
}

function rawOrigins(manifest: ZoneManifest, source: SpecSource): ValueOrigin[] {
  const top: unknown = source.value;
  return payloadPaths(manifest).map((path): ValueOrigin => {
    const [key = "", ...inner] = path.split(".");
    const steps = inner.length === 0 ? [key] : [key, inner.join(".")];
    if (!hasPath(top, steps)) return { path, from: "derived", why: derivedRule(path, top) };
    const place = fieldPlace(source, steps);
    return { path, from: "spec", why: `${path} (${place.where})`, place };
  });
}

function derivedRule(path: string, top: unknown): string {
  if (path === "image_uuid") return hasPath(top, ["image"]) ? "image" : "dataset_uuid";
  if (path === "kernel_version") return "the image's, else defaults.kernelVersion";
  if (path === "autoboot") return "starting is a separate step";
  if (path === "max_physical_memory") return "ram";
  if (path.startsWith("internal_metadata.zonelet:")) return "the agent's mark";
  return "chosen by the agent";
}

function hasPath(value: unknown, path: readonly string[]): boolean {
  let inner: unknown = value;
  for (const step of path) {
    if (typeof inner !== "object" || inner === null || !Object.hasOwn(inner, step)) return false;
    inner = Reflect.get(inner, step);
  }
  return true;
}
