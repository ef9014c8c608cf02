// Spec + image + node = a container with nothing left to decide. Docker's rules of merging hold (moby daemon/commit.go;
// container-specs.md 8), not those of sdc-docker where the two differ.
import type { ImageUuid, ZoneUuid } from "../util/ids.ts";
import type { ContainerSpec } from "./container-spec.ts";
import { effectiveHealthcheck } from "./healthcheck.ts";
import type { ImageConfig } from "./image-config.ts";
import { effectiveLabels, isReservedLabel, RESERVED_LABELS, type Command } from "./image-defaults.ts";
import { specError, type SpecPath, type SpecProblem, type SpecWarning } from "./problem.ts";
import { PACKAGE_LABEL, type Package } from "./packages.ts";
import { resolveCommand, resolveEnv } from "./resolve-command.ts";
import { logOptionsOf, resolveLimits, resolveLogSize } from "./resolve-limits.ts";
import { checkNfs, resolveMounts, type MountsOf } from "./resolve-mounts.ts";
import { resolveNetworks, type NodeNetwork } from "./resolve-networks.ts";
import type { FieldOrigin, FieldOrigins, GroupPlace, ResolvedContainer } from "./resolved.ts";
import { parseSignal } from "../util/linux-signals.ts";
import { fieldPlace, fullPath, problemAt, type SpecSource } from "./source.ts";
import { checkUser, isRoot, type ImageFiles } from "./user.ts";

/** What a spec has to know of its image. `imgadm`'s RunnableImage fits. */
export interface SpecImage {
  readonly imageUuid: ImageUuid;
  readonly configuration: ImageConfig;
  readonly kernelVersion?: string | undefined;
  readonly record?: { readonly config: string } | undefined;
}

/** What a spec has to know of the node. The agent's Config fits. */
export interface NodeFacts {
  readonly defaults: {
    readonly kernelVersion: string;
    readonly memory: string;
    readonly quotaGiB: number;
    readonly maxLwps: number;
    readonly network?: string | undefined;
    readonly logMaxSize: string;
  };
  /** Whether the node has the platform's logger, which network log drivers need. Default: no. */
  readonly platformLogger?: boolean;
  readonly networks: Readonly<Record<string, NodeNetwork>>;
  readonly packages: readonly Package[];
  readonly mounts: { readonly allowedRoots: readonly string[] };
  readonly host: { readonly pool: string; readonly lab: boolean };
}

export interface ResolveInput {
  readonly spec: ContainerSpec;
  readonly source: SpecSource;
  readonly image: SpecImage;
  readonly node: NodeFacts;
  readonly files: ImageFiles;
  readonly uuid: ZoneUuid;
  readonly name: string;
  readonly dockerId: string;
  /** The command as another format means it; else the spec's is read by Docker's rules. */
  readonly command?: Command;
  readonly group?: GroupPlace;
  /** Looks up the containers of `volumesFrom`; without it they are only warned about. */
  readonly mountsOf?: MountsOf;
  /** Problems the caller has found already; raised together with those found here. */
  readonly problems?: readonly SpecProblem[];
}

export interface Resolution {
  readonly container: ResolvedContainer;
  readonly origins: FieldOrigins;
  readonly warnings: readonly SpecWarning[];
}

/** What the parts of resolving share: one place to complain, to warn, and to remember where a value came from. */
export interface ResolveContext extends ResolveInput {
  complain(path: SpecPath, message: string): void;
  warn(path: SpecPath, message: string, hint?: string): void;
  /** Origin of a field the spec sets. */
  fromSpec(key: keyof ContainerSpec): FieldOrigin;
}

const STOP_TIMEOUT_MS = 10_000;

/**
 * Decides every value. Raises SPEC_INVALID with all problems at once, NO_COMMAND when neither spec nor image says what
 * to run, USER_UNKNOWN when the container would run as root against its spec, CONFIG_INVALID for unusable node defaults.
 */
export function resolveContainer(input: ResolveInput): Resolution {
  const { spec, source, image, node } = input;
  const problems: SpecProblem[] = [...(input.problems ?? [])];
  const warnings: SpecWarning[] = [];
  const context: ResolveContext = {
    ...input,
    complain: (path, message) => problems.push(problemAt(source, path, message)),
    warn: (path, message, hint) =>
      warnings.push({
        path: fullPath(source, path),
        message,
        ...(hint === undefined ? {} : { hint }),
        where: source.locate(path).where,
      }),
    fromSpec: (key) => {
      const place = fieldPlace(source, [key]);
      return { from: "spec", why: `${key} (${place.where})`, place };
    },
  };
  const origin = (key: keyof ContainerSpec, otherwise: FieldOrigin): FieldOrigin =>
    spec[key] === undefined ? otherwise : context.fromSpec(key);

  const command = resolveCommand(context);
  const env = resolveEnv(context);
  const { limits, origins: limitOrigins } = resolveLimits(context);
  const networks = resolveNetworks(context);
  const mounts = resolveMounts(context);
  checkNfs(context, mounts.nfs);
  const labels = resolveLabels(context);
  const stopSignal = resolveStopSignal(context);
  const restart = resolveRestart(context);
  const config = image.configuration.config;
  const wantedUser = spec.user !== undefined && spec.user !== "" ? spec.user : (config?.User ?? "");
  const userFromSpec = spec.user !== undefined && spec.user !== "";
  const user = checkUser(wantedUser, input.files, { add: spec.addUser ?? false });
  if (user.ok && user.warning !== undefined) context.warn(["user"], `user ${wantedUser} ${user.warning}`);
  const health = effectiveHealthcheck(spec.healthcheck, config?.Healthcheck);
  const workdir = spec.workdir ?? config?.WorkingDir ?? "";
  const logSize = resolveLogSize(context);

  const refusedUser = user.ok
    ? []
    : [
        userFromSpec
          ? problemAt(source, ["user"], user.message)
          : problemAt(source, ["image"], `its user ${JSON.stringify(wantedUser)} cannot be had: ${user.message}`),
      ];
  if (problems.length > 0) throw specError("SPEC_INVALID", [...problems, ...refusedUser]);
  if (mounts.nfs.length > 0 && node.host.lab) {
    const i = (spec.volumes ?? []).findIndex((volume) => volume.type === "nfs");
    throw specError("SPEC_UNSUPPORTED", [problemAt(source, ["volumes", i], "the lab host has no NFS client")]);
  }
  if (!user.ok) throw specError("USER_UNKNOWN", refusedUser, user.hint);
  if (spec.nonRoot === true && isRoot(user.user, input.files)) {
    const message = `root is refused as user, and ${userFromSpec ? "the document" : "the image"} names no other`;
    const problem = problemAt(source, userFromSpec ? ["user"] : ["nonRoot"], message);
    throw specError("USER_UNKNOWN", [problem], "name a user of the image's passwd file");
  }
  if (command.entrypoint.length + command.cmd.length === 0) {
    const message = `no command specified, and the image ${spec.image} has none`;
    throw specError("NO_COMMAND", [problemAt(source, ["image"], message)], "give a command");
  }

  const nodeDefault = (key: string): FieldOrigin => ({ from: "node", why: `defaults.${key}` });
  const kernelVersion = spec.kernelVersion ?? image.kernelVersion;
  const fixed = (why: string): FieldOrigin => ({ from: "derived", why });
  return {
    container: {
      uuid: input.uuid,
      name: input.name,
      dockerId: input.dockerId,
      image: {
        uuid: image.imageUuid,
        name: spec.image,
        ...(image.record === undefined ? {} : { id: image.record.config }),
      },
      kernelVersion: kernelVersion ?? node.defaults.kernelVersion,
      entrypoint: command.entrypoint,
      cmd: command.cmd,
      env: env.entries,
      user: user.user,
      workdir,
      hostname: spec.hostname ?? input.dockerId.slice(0, 12),
      ...(spec.domainname === undefined ? {} : { domainname: spec.domainname }),
      tty: spec.tty ?? false,
      openStdin: spec.stdin ?? false,
      ...limits,
      nics: networks.nics,
      resolvers: networks.resolvers,
      dnsSearch: spec.dnsSearch ?? [],
      extraHosts: spec.extraHosts ?? [],
      ...mounts,
      labels,
      restart,
      ...(spec.log === undefined ? {} : { log: { driver: spec.log.driver, options: logOptionsOf(spec.log) } }),
      logMaxSize: logSize.bytes,
      stopSignal: stopSignal.signal,
      stopTimeoutMs: spec.stopTimeout ?? STOP_TIMEOUT_MS,
      autoRemove: spec.autoRemove ?? false,
      ...(health === undefined ? {} : { health }),
      ...(user.accounts === undefined ? {} : { accounts: user.accounts }),
      firewallEnabled: spec.firewall ?? false,
      ...(input.group === undefined ? {} : { group: input.group }),
    },
    origins: {
      uuid: fixed("chosen by the agent"),
      name: origin("name", fixed("made up")),
      dockerId: fixed("zone uuid and 128 random bits"),
      image: context.fromSpec("image"),
      kernelVersion: origin(
        "kernelVersion",
        kernelVersion === undefined ? nodeDefault("kernelVersion") : { from: "image", why: "tag kernel_version" },
      ),
      entrypoint: command.entrypointOrigin,
      cmd: command.cmdOrigin,
      env: env.origin,
      user: userFromSpec ? context.fromSpec("user") : { from: "image", why: "Config.User" },
      workdir: origin("workdir", { from: "image", why: "Config.WorkingDir" }),
      hostname: origin("hostname", fixed("first 12 digits of the container's id")),
      domainname: context.fromSpec("domainname"),
      tty: context.fromSpec("tty"),
      openStdin: context.fromSpec("stdin"),
      ...limitOrigins,
      nics: networks.origin,
      resolvers: networks.resolversOrigin,
      dnsSearch: context.fromSpec("dnsSearch"),
      extraHosts: context.fromSpec("extraHosts"),
      mounts: origin("volumes", { from: "image", why: "Config.Volumes" }),
      nfs: context.fromSpec("volumes"),
      files: context.fromSpec("files"),
      labels: origin("labels", { from: "image", why: "Config.Labels" }),
      restart: context.fromSpec("restart"),
      log: context.fromSpec("log"),
      logMaxSize: logSize.origin,
      stopSignal: stopSignal.origin,
      stopTimeoutMs: origin("stopTimeout", fixed("10 s")),
      autoRemove: context.fromSpec("autoRemove"),
      health: origin("healthcheck", { from: "image", why: "Config.Healthcheck" }),
      firewallEnabled: origin("firewall", fixed("off unless asked for")),
      group: { from: "spec", why: `one of several containers of ${source.name}` },
    },
    warnings,
  };
}

function resolveLabels(context: ResolveContext): Record<string, string> {
  const given = Object.entries(context.spec.labels ?? {});
  const own = Object.fromEntries(given.filter(([key]) => key !== PACKAGE_LABEL));
  for (const key of Object.keys(own))
    if (isReservedLabel(key))
      context.complain(["labels", key], `labels beginning with ${RESERVED_LABELS.join(", ")} are reserved`);
  return effectiveLabels(context.image.configuration.config, own);
}

function resolveStopSignal(context: ResolveContext): { signal: string; origin: FieldOrigin } {
  const { spec, image } = context;
  if (spec.stopSignal !== undefined) {
    const signal = parseSignal(spec.stopSignal);
    if (signal === undefined)
      context.complain(["stopSignal"], `${JSON.stringify(spec.stopSignal)} is not a signal a zone can be sent`);
    return { signal: signal ?? "SIGTERM", origin: context.fromSpec("stopSignal") };
  }
  const wanted = image.configuration.config?.StopSignal ?? "";
  const signal = wanted === "" ? undefined : parseSignal(wanted);
  if (wanted !== "" && signal === undefined)
    context.warn(["image"], `the image's stop signal ${wanted} cannot be sent to a zone; SIGTERM is used`);
  return signal === undefined
    ? { signal: "SIGTERM", origin: { from: "derived", why: "Docker's default" } }
    : { signal, origin: { from: "image", why: "Config.StopSignal" } };
}

function resolveRestart(context: ResolveContext): ResolvedContainer["restart"] {
  const wanted = context.spec.restart;
  if (wanted === undefined) return { policy: "no", maxRetries: 0 };
  if (context.spec.autoRemove === true && wanted.policy !== "no")
    context.complain(["restart"], "a container that is removed when it exits cannot be restarted");
  // vmadmd's `always` already stays down after a stop by hand (container-specs.md 2).
  const policy = wanted.policy === "unless-stopped" ? "always" : wanted.policy;
  return { policy, maxRetries: wanted.maxRetries };
}
