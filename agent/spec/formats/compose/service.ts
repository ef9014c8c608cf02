// One service: an app of the neutral document.
import { zodProblems } from "../../issues.ts";
import type { NeutralApp, NeutralPort } from "../../neutral.ts";
import type { SpecPath } from "../../problem.ts";
import { subSource, type SpecSource } from "../../source.ts";
import type { Given, Report } from "../format.ts";
import { unsupportedPlatform } from "../platform.ts";
import { judgeAttributes } from "./decisions.ts";
import { fileMounts, tmpfsMounts, volumeMounts, type FileSources, type PlacedMount } from "./mounts.ts";
import { readDependencies, readLenders } from "./dependencies.ts";
import { readHealth, readRestart } from "./lifecycle.ts";
import { readNetworks } from "./networks.ts";
import { readLimits } from "./resources.ts";
import { serviceSchema, type Service } from "./schema.ts";

/** What is declared beside the services: names in the document → names on the node. */
export interface RealName {
  readonly name: string;
  /** Neither given nor somebody else's: the project's own. */
  readonly scoped: boolean;
}

export interface ProjectVolume extends RealName {
  readonly sizeBytes?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly existing?: boolean;
}

export interface Project {
  readonly volumes: Readonly<Record<string, ProjectVolume>>;
  readonly networks: Readonly<Record<string, string>>;
  readonly configs: FileSources;
  readonly secrets: FileSources;
  /** Every service; false for those whose profiles are not active. */
  readonly services: ReadonlyMap<string, boolean>;
}

export interface ServiceContext {
  readonly name: string;
  readonly path: SpecPath;
  readonly report: Report;
  readonly given: Given;
  readonly project: Project;
}

/** `attributes` are merged and free of extensions. Undefined when there is no app to be had from them. */
export function readService(
  attributes: Readonly<Record<string, unknown>>,
  source: SpecSource,
  context: ServiceContext,
): NeutralApp | undefined {
  const { path, report, name } = context;
  judgeAttributes(attributes, path, report);
  const own = subSource(source, path, attributes);
  const parsed = serviceSchema.safeParse(attributes);
  if (!parsed.success) {
    report.add(
      zodProblems(serviceSchema, own, parsed.error.issues, { synonyms: SYNONYMS, refused: {}, ownPath: true }),
    );
    return undefined;
  }
  const service = parsed.data;
  const image = readImage(service, context);
  checkOneContainer(service, context);
  const { limits, places } = readLimits(service, context);
  const ports = readPorts(service, context, places);
  const mounts = readMounts(service, context);
  mounts.forEach((mount, i) => (places[`mounts[${i}]`] = mount.path));
  for (const [field, key] of Object.entries(PLACES)) places[field] ??= [...path, key];
  const health = readHealth(service, context);
  const lenders = readLenders(service, context);
  const dependsOn = readDependencies(service, lenders, context);
  return {
    at: path,
    places,
    name,
    image,
    entrypoint: service.entrypoint ?? null,
    args: service.command ?? (service.entrypoint === undefined ? null : []),
    env: withVariables(service.environment ?? {}, context.given.variables ?? {}),
    user: service.user === undefined || service.user === "" ? null : service.user,
    cwd: service.working_dir ?? null,
    ...limits,
    ports,
    mounts: mounts.map(({ mount }) => mount),
    restart: readRestart(service, context),
    labels: readLabels(service, context),
    hostname: service.hostname ?? null,
    ...(service.group_add === undefined ? {} : { groups: service.group_add }),
    ...(service.container_name === undefined ? {} : { containerName: service.container_name }),
    ...(service.domainname === undefined ? {} : { domainname: service.domainname }),
    ...(service.dns === undefined ? {} : { dns: service.dns }),
    ...(service.dns_search === undefined ? {} : { dnsSearch: service.dns_search }),
    ...(service.extra_hosts === undefined ? {} : { extraHosts: service.extra_hosts }),
    ...(service.annotations === undefined ? {} : { annotations: emptyForNull(service.annotations) }),
    ...(service.logging === undefined
      ? {}
      : { logging: { driver: service.logging.driver ?? "json-file", options: service.logging.options ?? {} } }),
    ...readNetworks(service, context),
    ...(service.stop_signal === undefined ? {} : { stopSignal: service.stop_signal }),
    ...(service.stop_grace_period === undefined ? {} : { stopTimeoutMs: service.stop_grace_period }),
    ...(service.tty === undefined ? {} : { tty: service.tty }),
    ...(service.stdin_open === undefined ? {} : { stdin: service.stdin_open }),
    ...(health === undefined ? {} : { health }),
    ...(dependsOn.length === 0 ? {} : { dependsOn }),
    ...(lenders.length === 0 ? {} : { volumesFrom: lenders }),
  };
}

/** Words of neighbouring formats. */
const SYNONYMS = {
  env: "environment",
  cmd: "command",
  workdir: "working_dir",
  memory: "mem_limit",
  name: "container_name",
};

/** Neutral field → attribute, for complaints found later. */
const PLACES: Readonly<Record<string, string>> = {
  image: "image",
  entrypoint: "entrypoint",
  args: "command",
  env: "environment",
  user: "user",
  groups: "group_add",
  cwd: "working_dir",
  labels: "labels",
  annotations: "annotations",
  hostname: "hostname",
  domainname: "domainname",
  containerName: "container_name",
  restart: "restart",
  dns: "dns",
  dnsSearch: "dns_search",
  extraHosts: "extra_hosts",
  logging: "logging",
  network: "network_mode",
  networks: "networks",
  stopSignal: "stop_signal",
  stopTimeoutMs: "stop_grace_period",
  tty: "tty",
  stdin: "stdin_open",
  health: "healthcheck",
  dependsOn: "depends_on",
  volumesFrom: "volumes_from",
};

function readImage(service: Service, { report, path }: ServiceContext): string | null {
  const build = service.build !== undefined;
  if (service.pull_policy === "build") report.refuse([...path, "pull_policy"], "images are not built here");
  if (service.image !== undefined) {
    if (build) report.warn([...path, "build"], "images are not built here: the image is taken as it is");
    return service.image;
  }
  if (build) report.refuse([...path, "build"], "images are not built here: name an image");
  else if (!("provider" in service)) report.complain([...path, "image"], "is required");
  return null;
}

/** One service is one zone on this node. */
function checkOneContainer(service: Service, { report, path }: ServiceContext): void {
  const { deploy } = service;
  if (service.scale !== undefined && service.scale !== 1)
    report.refuse([...path, "scale"], "one service becomes one zone: only 1 is possible");
  if (deploy?.replicas !== undefined && deploy.replicas !== 1)
    report.refuse([...path, "deploy", "replicas"], "one service becomes one zone: only 1 is possible");
  if (deploy?.mode === "global" || deploy?.mode === "global-job")
    report.warn([...path, "deploy", "mode"], "there is one node only");
  const files = service.env_file ?? [];
  const required = files.some((file) => typeof file === "string" || file.required !== false);
  if (required)
    report.refuse(
      [...path, "env_file"],
      "files beside the document are not read: write the variables into environment",
    );
  else if (files.length > 0) report.warn([...path, "env_file"], "files beside the document are not read");
  if (service.platform !== undefined) {
    const fault = unsupportedPlatform(service.platform);
    if (fault !== undefined) report.refuse([...path, "platform"], fault);
  }
}

function readPorts(
  service: Service,
  { report, path }: ServiceContext,
  places: Record<string, SpecPath>,
): NeutralPort[] {
  const placed = (["ports", "expose"] as const).flatMap((key) =>
    (service[key] ?? []).map((port, i) => ({ port, path: [...path, key, i] })),
  );
  placed.forEach((entry, i) => {
    places[`ports[${i}]`] = entry.path;
    if (entry.port.protocol === "sctp") report.refuse(entry.path, "SCTP cannot be had in a zone");
  });
  return placed.map(({ port }) => port);
}

function readMounts(service: Service, context: ServiceContext): PlacedMount[] {
  const mounts = [
    ...volumeMounts(service.volumes ?? [], context),
    ...tmpfsMounts(service.tmpfs ?? [], context),
    ...fileMounts("configs", service.configs ?? [], context.given, context),
    ...fileMounts("secrets", service.secrets ?? [], context.given, context),
  ];
  const targets = new Set<string>();
  for (const { mount, path } of mounts) {
    if (targets.has(mount.target)) context.report.complain(path, `a second mount at ${mount.target}`);
    targets.add(mount.target);
  }
  return mounts;
}

function withVariables(
  environment: Readonly<Record<string, string | null>>,
  variables: Readonly<Record<string, string>>,
): Record<string, string | null> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [
      name,
      value ?? (Object.hasOwn(variables, name) ? (variables[name] ?? null) : null),
    ]),
  );
}

function emptyForNull(values: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value ?? ""]));
}

function readLabels(service: Service, { report, path }: ServiceContext): Record<string, string> {
  const labels = emptyForNull(service.labels ?? {});
  for (const name of Object.keys(labels))
    if (name.startsWith("com.docker.compose"))
      report.complain([...path, "labels", name], 'labels beginning with "com.docker.compose" are reserved');
  return labels;
}
