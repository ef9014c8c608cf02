// A create request as sdc-docker takes it → the payload of the VM service (sdc-docker.md 1 to 16). Pure. The order of the
// steps decides which failure wins.
import { refusal } from "../docker-view/refusal.ts";
import type { ContainerLink } from "../docker-view/surroundings.ts";
import { hasCode } from "../errors/agent-error.ts";
import { PACKAGE_LABEL } from "../spec/packages.ts";
import { DOCKER_KEYS as KEY, metadataJson } from "../zoneinit/metadata-keys.ts";
import { planAffinity, type Affinity } from "./affinity.ts";
import { refuseBinds, type Bind } from "./binds.ts";
import { mergeCommand } from "./command.ts";
import type { SdcContext } from "./context.ts";
import { parseCreateBody } from "./create-body.ts";
import { planFirewall, type FirewallRule } from "./firewall.ts";
import { labelTags } from "./labels.ts";
import { planLinks } from "./links.ts";
import { logRotation, storedLogOptions } from "./log-config.ts";
import { shown, type Members } from "./members.ts";
import { chooseNetworks, type NetworkChoice } from "./networks.ts";
import { choosePackage, type SdcPackage } from "./packages.ts";
import { planPorts } from "./ports.ts";
import { failed, invalid } from "./refuse.ts";
import type { TagValue } from "./triton-labels.ts";
import { dataVolumes, imageVolumes, volumesFrom, volumeTarget, type VolumeFilesystem } from "./volumes.ts";

export interface SdcVmPayload {
  readonly uuid: string;
  readonly owner_uuid: string;
  readonly brand: "lx" | "joyent-minimal";
  readonly init_name: string;
  readonly kernel_version?: string;
  readonly image_uuid: string;
  readonly alias: string;
  readonly hostname: string;
  readonly dns_domain?: string;
  readonly docker: true;
  readonly autoboot: false;
  readonly restart_init: false;
  readonly tmpfs: 0;
  readonly firewall_enabled: true;
  readonly firewall_rules: readonly FirewallRule[];
  readonly filesystems: readonly VolumeFilesystem[];
  readonly volumes?: readonly Bind[];
  readonly networks: readonly NetworkChoice[];
  readonly affinity: readonly Affinity[];
  readonly resolvers?: readonly string[];
  readonly billing_id: string;
  readonly zlog_max_size: number;
  readonly tags: Readonly<Record<string, TagValue>>;
  readonly internal_metadata: Readonly<Record<string, string | boolean>>;
}

export interface SdcCreation {
  readonly payload: SdcVmPayload;
  readonly package: SdcPackage;
  /** What a package service is asked. */
  readonly packageFilter: string;
  readonly firewallRulesCreated: readonly FirewallRule[];
  readonly links: readonly ContainerLink[];
  /** The request's environment without affinity hints, and its labels with them: what plug-ins and logs see. */
  readonly bodyAfter: { readonly Env: readonly string[]; readonly Labels: Members };
  readonly response: { readonly Id: string; readonly Warnings: readonly string[] };
}

const PUBLIC_LABEL = "triton.network.public";
/** Linux version a container claims. */
const KERNEL_VERSION = "3.13.0";
const NATIVE_INIT = "/usr/vm/sbin/dockerinit";

/**
 * Raises the refusal a Docker client gets (docker-view/refusal.ts), never anything else. The same request with the same
 * uuids gives the same payload, byte for byte.
 */
export function translateCreate(request: unknown, context: SdcContext): SdcCreation {
  const { service, account, image, newUuid } = context;
  const body = parseCreateBody(request, service.enabledLogDrivers);
  if (!account.approved)
    throw refusal("PROVISIONING_DENIED", `${account.login} does not have permission to pull or provision`, {
      status: 403,
      code: "NotAuthorized",
    });
  if (image === undefined)
    throw refusal("IMAGE_NOT_FOUND", `No such image: ${body.image}`, { status: 404, code: "ResourceNotFound" });

  const uuid = newUuid();
  const dockerId = (uuid + newUuid()).replaceAll("-", "");
  const alias = (context.name ?? body.name ?? context.newName()).replace(/^\/+/, "");
  const published = body.publishAllPorts || body.ports.length > 0;
  const networks = chooseNetworks({
    mode: body.networkMode,
    published,
    publicLabel: textLabel(body.labels, PUBLIC_LABEL),
    account: account.uuid,
    service,
    networks: context.networks,
  });
  const dnsSearch = [...body.dnsSearch, ...account.searchSuffixes];

  const from = body.volumesFrom && volumesFrom(body.volumesFrom, account.uuid, context.zones);
  refuseBinds(body.binds, service);
  const taken = new Set([
    ...(from?.filesystems ?? []).map(({ target }) => target),
    ...body.binds.map(({ mountpoint }) => volumeTarget(mountpoint)),
  ]);
  const own = dataVolumes(body.volumes, taken, newUuid);
  for (const { target } of own) taken.add(target);

  const { affinity, labels, env } = planAffinity(body.labels, body.env ?? []);
  const tags = labelTags(image.config.Labels ?? {}, labels);
  const { chosen, filter } = choosePackage(context.packages, {
    label: packageLabel(labels),
    memory: body.memory,
    account: account.uuid,
    prefix: service.packagePrefix,
    defaultMemoryMiB: service.defaultMemoryMiB,
  });
  const command = mergeCommand(body, image);
  const theirs = imageVolumes(Object.keys(image.config.Volumes ?? {}), taken, newUuid);
  const ports = planPorts(Object.keys(image.config.ExposedPorts ?? {}), body.ports, body.publishAllPorts);
  const existing = context.firewallRules;
  const firewall = planFirewall({ zone: uuid, owner: account.uuid, ports: ports.open, version: service.firewallVersion, existing, newUuid }); // prettier-ignore
  const links = planLinks(body.links, { uuid, name: alias }, context.zones, existing.map(({ rule }) => rule)); // prettier-ignore

  const native = image.os === "smartos";
  const json = (key: string, list: readonly string[]): string => carried(() => metadataJson(key, list));
  const { flags, log } = body;
  const metadata: Record<string, string | boolean> = {
    [KEY.id]: dockerId,
    [KEY.imageName]: body.image,
    [KEY.cmd]: json(KEY.cmd, command.cmd),
    [KEY.entrypoint]: json(KEY.entrypoint, command.entrypoint),
    [KEY.env]: json(KEY.env, command.env),
    [KEY.linkEnv]: json(KEY.linkEnv, links.env),
    [KEY.linkHosts]: links.hosts,
  };
  if (!native) metadata[KEY.noIpmgmtd] = true;
  if (!native && image.id !== undefined) metadata[KEY.imageId] = image.id;
  if (command.user !== "") metadata[KEY.user] = command.user;
  if (command.workdir !== "") metadata[KEY.workdir] = command.workdir;
  if (flags.tty) metadata[KEY.tty] = true;
  if (flags.openStdin) metadata[KEY.openStdin] = true;
  if (flags.attachStdin) metadata[KEY.attachStdin] = true;
  if (flags.attachStdout) metadata[KEY.attachStdout] = true;
  if (flags.attachStderr) metadata[KEY.attachStderr] = true;
  if (body.restartPolicy !== undefined) metadata[KEY.restartPolicy] = body.restartPolicy;
  if (log !== undefined) {
    metadata[KEY.logDriver] = log.driver;
    metadata[KEY.logConfig] = carried(() =>
      metadataJson(KEY.logConfig, storedLogOptions(log, { dockerId, name: alias })),
    );
  }
  if (dnsSearch.length > 0) metadata[KEY.dnsSearch] = json(KEY.dnsSearch, dnsSearch);
  if (body.extraHosts !== undefined) metadata[KEY.extraHosts] = json(KEY.extraHosts, body.extraHosts);
  if (body.publishAllPorts) metadata[KEY.publishAllPorts] = true;
  if (ports.unpublished.tcp.length > 0) metadata[KEY.tcpUnpublished] = JSON.stringify(ports.unpublished.tcp);
  if (ports.unpublished.udp.length > 0) metadata[KEY.udpUnpublished] = JSON.stringify(ports.unpublished.udp);
  if (from !== undefined) metadata[KEY.volumesFrom] = JSON.stringify(from.uuids);

  const payload: SdcVmPayload = {
    uuid,
    owner_uuid: account.uuid,
    brand: native ? "joyent-minimal" : "lx",
    init_name: native ? NATIVE_INIT : `/native${NATIVE_INIT}`,
    ...(native ? {} : { kernel_version: KERNEL_VERSION }),
    image_uuid: image.uuid,
    alias,
    hostname: body.hostname === "" ? dockerId.slice(0, 12) : body.hostname,
    ...(body.domainname === "" ? {} : { dns_domain: body.domainname }),
    docker: true,
    autoboot: false,
    restart_init: false,
    tmpfs: 0,
    firewall_enabled: true,
    firewall_rules: firewall.attached,
    filesystems: [...(from?.filesystems ?? []), ...own, ...theirs],
    ...(body.binds.length === 0 ? {} : { volumes: body.binds }),
    networks,
    affinity,
    ...(body.dns.length === 0 ? {} : { resolvers: body.dns }),
    billing_id: chosen.uuid,
    zlog_max_size: logRotation(log, service.defaultMaxLogSize),
    tags,
    internal_metadata: metadata,
  };
  return {
    payload,
    package: chosen,
    packageFilter: filter,
    firewallRulesCreated: firewall.created,
    links: links.links,
    bodyAfter: { Env: env, Labels: labels },
    response: { Id: dockerId, Warnings: [] },
  };
}

function textLabel(labels: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  return typeof value === "string" ? value : undefined;
}

/** A value that is no text never gets as far as a look-up. */
function packageLabel(labels: Readonly<Record<string, unknown>>): string | undefined {
  if (!Object.hasOwn(labels, PACKAGE_LABEL)) return undefined;
  const value = labels[PACKAGE_LABEL];
  if (typeof value !== "string") throw failed("SPEC_INVALID", `invalid value for ${PACKAGE_LABEL}: ${shown(value)}`);
  return value;
}

/** Text dockerinit cannot carry is a fault of the request. */
function carried(work: () => string): string {
  try {
    return work();
  } catch (error) {
    if (hasCode(error, "SPEC_INVALID")) throw invalid(error.message);
    throw error;
  }
}
