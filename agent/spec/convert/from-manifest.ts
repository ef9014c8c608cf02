// A vmadm manifest in the notation of a container spec. vmadm's defaults (vmadm.md 6) are written out, since a spec's
// are others; what a spec has no word for is in `gaps`.
import { BlockList } from "node:net";
import { z } from "zod";
import { parseHealthMark } from "../healthcheck.ts";
import type { ImageConfig } from "../image-config.ts";
import { choosePackage, type Package } from "../packages.ts";
import type { RawManifest, RawNic } from "../raw-manifest.ts";
import type { NodeNetwork } from "../resolve-networks.ts";
import { defined, type Written } from "./notation.ts";

export interface ManifestSurroundings {
  readonly networks: Readonly<Record<string, NodeNetwork>>;
  readonly packages: readonly Package[];
  /** The image, if it is here: a spec inherits from it, a manifest does not. */
  readonly image: ImageConfig["config"] | undefined;
}

/** vmadm.md 6 */
const MEMORY_MIB = 256;
const QUOTA_GIB = 10;
const LWPS = 2000;
const LABEL = "docker:label:";

type Gap = (path: string, message: string) => void;

export function manifestNotation(raw: RawManifest, around: ManifestSurroundings): Written {
  const gaps: { path: string; message: string }[] = [];
  const gap: Gap = (path, message) => {
    gaps.push({ path, message });
  };
  const metadata = raw.internal_metadata ?? {};
  const text = (key: string): string | undefined => (metadata[key] === undefined ? undefined : String(metadata[key]));
  const list = (key: string): string[] => listSchema.catch([]).parse(parseJson(text(key) ?? "[]"));
  const memory = raw.max_physical_memory ?? raw.ram ?? MEMORY_MIB;
  const entrypoint = list("docker:entrypoint");
  const command = list("docker:cmd");
  const policy = text("docker:restartpolicy");
  tellUnsaid(raw, gap);
  const value = defined({
    zonelet: 1,
    name: raw.alias,
    image: raw.image ?? raw.image_uuid,
    entrypoint: entrypoint.length === 0 && command.length === 0 ? [""] : entrypoint,
    command: command.length === 0 ? undefined : command,
    env: environment(list("docker:env"), around.image),
    user: text("docker:user") ?? "root",
    workdir: text("docker:workdir") ?? "/",
    hostname: raw.hostname,
    domainname: raw.dns_domain,
    labels: labelsOf(raw, around.image, gap),
    tty: isTrue(metadata["docker:tty"]) ? true : undefined,
    stdin: isTrue(metadata["docker:open_stdin"]) ? true : undefined,
    package: packageOf(raw, around, gap),
    memory: `${memory}m`,
    memorySwap: `${Math.max(raw.max_swap ?? 0, memory, MEMORY_MIB)}m`,
    lockedMemory:
      raw.max_locked_memory === undefined || raw.max_locked_memory >= memory ? undefined : `${raw.max_locked_memory}m`,
    tmpfs: raw.tmpfs === undefined || raw.tmpfs >= memory ? true : raw.tmpfs === 0 ? undefined : `${raw.tmpfs}m`,
    cpus: raw.cpu_cap === undefined || raw.cpu_cap === 0 ? undefined : raw.cpu_cap / 100,
    cpuShares: raw.cpu_shares === undefined ? undefined : weightOf(raw.cpu_shares, gap),
    pids: raw.max_lwps ?? LWPS,
    disk: raw.quota === 0 ? 0 : `${raw.quota ?? QUOTA_GIB}g`,
    ioPriority: raw.zfs_io_priority,
    networks: networksOf(raw.nics ?? [], around.networks, gap),
    dns: raw.resolvers,
    dnsSearch: filled(list("docker:dnssearch")),
    extraHosts: filled(list("docker:extraHosts")),
    volumes: filled((raw.filesystems ?? []).flatMap((fs, i) => volumeOf(fs, i, gap))),
    restart: policy !== undefined && /^(always|on-failure(:\d+)?)$/.test(policy) ? policy : undefined,
    healthcheck: healthOf(text("zonelet:health")),
    log: logOf(raw, text),
    stopSignal: text("zonelet:stop_signal"),
    stopTimeout: text("zonelet:stop_timeout") === undefined ? undefined : `${text("zonelet:stop_timeout") ?? ""}s`,
    kernelVersion: raw.kernel_version,
    autoRemove: metadata["zonelet:autoremove"] === true ? true : undefined,
    firewall: raw.firewall_enabled,
  });
  return { value, gaps };
}

/** Properties of a manifest that mean nothing to a spec, or that the agent decides. */
const UNSAID: readonly (keyof RawManifest)[] = [
  "owner_uuid",
  "maintain_resolvers",
  "max_shm_memory",
  "max_msg_ids",
  "max_sem_ids",
  "max_shm_ids",
  "zpool",
  "archive_on_delete",
  "indestructible_zoneroot",
  "routes",
  "customer_metadata",
];
const SAID_METADATA =
  /^docker:(id|imageid|imagename|entrypoint|cmd|env|user|workdir|tty|open_stdin|attach_std(in|out|err)|noipmgmtd|restartpolicy|logdriver|logconfig|dnssearch|extraHosts)$|^zonelet:/;

function tellUnsaid(raw: RawManifest, gap: Gap): void {
  if (raw.docker !== true) gap("docker", "without docker: true it is no container: a spec always makes one");
  if (raw.uuid !== undefined) gap("uuid", "a spec has no uuid: a new one is chosen");
  for (const key of UNSAID) if (raw[key] !== undefined) gap(key, "a spec has no field for it");
  for (const [key, value] of Object.entries(raw.internal_metadata ?? {})) {
    const empty = (key === "docker:linkEnv" && value === "[]") || (key === "docker:linkHosts" && value === "");
    if (!SAID_METADATA.test(key) && !empty) gap(`internal_metadata.${key}`, "a spec has no field for it");
  }
}

const listSchema = z.array(z.string());
const textMap = z.record(z.string(), z.unknown());

function parseJson(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

function isTrue(value: unknown): boolean {
  return value === true || value === "true";
}

function filled<T>(list: readonly T[]): readonly T[] | undefined {
  return list.length === 0 ? undefined : list;
}

/** Variables of the image that the manifest lacks are taken away. */
function environment(own: readonly string[], image: ManifestSurroundings["image"]): string[] | undefined {
  const nameOf = (entry: string): string => entry.split("=", 1)[0] ?? "";
  const set = new Set(own.map(nameOf));
  const removed = (image?.Env ?? []).map(nameOf).filter((name) => name !== "" && !set.has(name));
  const entries = [...removed, ...own];
  return entries.length === 0 ? undefined : entries;
}

function labelsOf(raw: RawManifest, image: ManifestSurroundings["image"], gap: Gap): unknown {
  const labels: [string, string][] = [];
  for (const [key, value] of Object.entries(raw.tags ?? {}))
    if (key.startsWith(LABEL)) labels.push([key.slice(LABEL.length), String(value)]);
    else if (key !== "sdc_docker") gap(`tags.${key}`, "only labels (docker:label:…) have a field in a spec");
  const set = new Set(labels.map(([key]) => key));
  const inherited = Object.keys(image?.Labels ?? {}).filter((key) => !set.has(key));
  if (inherited.length > 0) gap("labels", `the image's come on top: ${inherited.join(", ")}`);
  return labels.length === 0 ? undefined : Object.fromEntries(labels);
}

function packageOf({ billing_id }: RawManifest, { packages }: ManifestSurroundings, gap: Gap): string | undefined {
  if (billing_id === undefined) return undefined;
  if (choosePackage(packages, billing_id).ok) return billing_id;
  gap("billing_id", "the configuration has no such package");
  return undefined;
}

function weightOf(shares: number, gap: Gap): number | undefined {
  const weight = Math.round((shares * 1024) / 100);
  if (weight <= 262_144) return weight;
  gap("cpu_shares", "larger than any weight a spec can say: left out");
  return undefined;
}

function networksOf(nics: readonly RawNic[], networks: ManifestSurroundings["networks"], gap: Gap): unknown {
  if (nics.length === 0) return "none";
  const list = nics.flatMap((nic, i) => {
    const fits = Object.entries(networks).filter(([, network]) => isNicOf(nic, network));
    const [only, ...others] = fits;
    if (only === undefined || others.length > 0) {
      const told = only === undefined ? "no network" : `several networks (${fits.map(([name]) => name).join(", ")})`;
      gap(`nics[${i}]`, `${told} of the configuration with nic tag ${nic.nic_tag}: left out`);
      return [];
    }
    const [ip, ...more] = nic.ips;
    if (more.length > 0) gap(`nics[${i}].ips`, "a spec has one address for each nic");
    for (const key of [
      "allow_ip_spoofing",
      "allow_mac_spoofing",
      "allow_dhcp_spoofing",
      "allow_restricted_traffic",
    ] as const)
      if (nic[key] === true) gap(`nics[${i}].${key}`, "a spec has no field for it");
    return [defined({ name: only[0], ip, mac: nic.mac })];
  });
  return list.length === 0 ? "none" : list;
}

function isNicOf(nic: RawNic, network: NodeNetwork): boolean {
  if (nic.nic_tag !== network.nicTag || (nic.vlan_id ?? 0) !== (network.vlan ?? 0)) return false;
  const [address = ""] = (nic.ips[0] ?? "").split("/");
  if (network.subnet === undefined || !/^\d/.test(address)) return true;
  const [base = "", length] = network.subnet.split("/");
  const subnet = new BlockList();
  subnet.addSubnet(base, Number(length));
  return subnet.check(address);
}

function volumeOf(fs: NonNullable<RawManifest["filesystems"]>[number], i: number, gap: Gap): unknown[] {
  const readOnly = (fs.options ?? []).includes("ro");
  for (const option of fs.options ?? [])
    if (!["ro", "rw", "nodevices"].includes(option)) gap(`filesystems[${i}].options`, `${option} is left out`);
  return fs.source.startsWith("/")
    ? [{ type: "bind", source: fs.source, target: fs.target, readOnly }]
    : [{ type: "volume", target: fs.target, readOnly }];
}

/** No mark means no check, whatever the image says. */
function healthOf(mark: string | undefined): unknown {
  const check = parseHealthMark(mark);
  if (check === undefined) return "none";
  const { test, intervalMs, timeoutMs, startPeriodMs, startIntervalMs, retries } = check;
  return {
    test,
    interval: `${intervalMs}ms`,
    timeout: `${timeoutMs}ms`,
    startPeriod: `${startPeriodMs}ms`,
    startInterval: `${startIntervalMs}ms`,
    retries,
  };
}

function logOf(raw: RawManifest, text: (key: string) => string | undefined): unknown {
  const driver = text("docker:logdriver");
  const size = raw.zlog_max_size;
  if (driver === undefined && size === undefined) return undefined;
  const options = textMap.catch({}).parse(parseJson(text("docker:logconfig") ?? "{}"));
  return defined({
    driver: driver ?? "json-file",
    options: Object.fromEntries(Object.entries(options).map(([key, value]) => [key, String(value)])),
    maxSize: size !== undefined && size >= 1000 ? size : undefined,
  });
}
