// The one door from a spec to a payload: what `run`, `create`, `validate` and `explain` call.
import { randomBytes } from "node:crypto";
import { AgentError } from "../errors/agent-error.ts";
import type { ContainerSpec } from "../spec/container-spec.ts";
import type { Converted } from "../spec/from-neutral/containers.ts";
import type { MountsOf } from "../spec/resolve-mounts.ts";
import { randomName } from "../spec/names.ts";
import { cleanPath } from "../spec/paths.ts";
import type { SpecPath } from "../spec/problem.ts";
import { logOptionsOf } from "../spec/resolve-limits.ts";
import { resolveContainer, type NodeFacts, type SpecImage } from "../spec/resolve.ts";
import { fieldPlace, problemAt, type SpecSource } from "../spec/source.ts";
import type { ImageFiles } from "../spec/user.ts";
import { isContainerName, newZoneUuid, type ContainerName, type ZoneUuid } from "../util/ids.ts";
import { logFaults } from "./log-driver.ts";
import { buildZoneManifest, type ZoneOwner } from "./manifest.ts";
import { valueOrigins } from "./origins.ts";
import type { PreparedZone } from "./prepared.ts";
import { stopTimeoutSeconds } from "./resources.ts";

export interface Identity {
  /** Default: a new one. */
  readonly uuid?: ZoneUuid;
  /** Wins over the document's. Default: the document's, else a readable random one. */
  readonly name?: ContainerName;
  /** `--add-user`, whatever the document says. */
  readonly addUser?: boolean;
  /** `--rm`: delete the zone when its container has exited, whatever the document says. */
  readonly autoRemove?: boolean;
  readonly owner?: ZoneOwner;
  /** The mounts of other containers, for `volumesFrom`. */
  readonly mountsOf?: MountsOf;
}

/**
 * A ContainerSpec as a payload. Same errors as `resolveContainer`. Nothing is read or written: the image's passwd and
 * group texts come as `files`, and whether bind sources exist is for the caller to check (`bindSources`).
 */
export function prepareContainer(
  document: { readonly spec: ContainerSpec; readonly source: SpecSource; readonly converted?: Converted },
  image: SpecImage,
  node: NodeFacts,
  files: ImageFiles = {},
  identity: Identity = {},
): PreparedZone {
  const { source } = document;
  const spec = {
    ...document.spec,
    ...(identity.autoRemove === true ? { autoRemove: true } : {}),
    ...(identity.addUser === true ? { addUser: true } : {}),
  };
  if (spec.envFile !== undefined) throw new AgentError("INTERNAL", `the env files of ${source.name} were not read`);
  const uuid = identity.uuid ?? newZoneUuid();
  const name = identity.name ?? containerName(spec.name ?? randomName());
  const dockerId = uuid.replaceAll("-", "") + randomBytes(16).toString("hex");
  const problems = (
    spec.log === undefined
      ? []
      : logFaults(spec.log.driver, logOptionsOf(spec.log), { hasLogger: node.platformLogger ?? false })
  ).map(({ at, message }) =>
    problemAt(source, at === "driver" ? ["log", "driver"] : optionPath(spec, at.option), message),
  );
  const { container, origins, warnings } = resolveContainer({
    spec,
    source,
    image,
    node,
    files,
    uuid,
    name,
    dockerId,
    problems,
    ...(identity.mountsOf === undefined ? {} : { mountsOf: identity.mountsOf }),
    ...(document.converted === undefined ? {} : document.converted),
  });
  const madeUp = { name: spec.name === undefined, hostname: spec.hostname === undefined };
  const manifest = buildZoneManifest(container, madeUp, identity.owner);
  const { mounts } = container;
  return {
    name,
    manifest,
    autoRemove: container.autoRemove,
    tty: container.tty,
    openStdin: container.openStdin,
    stopSignal: container.stopSignal,
    stopTimeoutS: stopTimeoutSeconds(container.stopTimeoutMs),
    ...(container.accounts === undefined ? {} : { accounts: container.accounts }),
    bindSources: mounts
      .filter((mount) => mount.type === "bind" && !mount.volume)
      .map((mount) => ({ path: mount.source, place: fieldPlace(source, mountPath(spec, mount.source)) })),
    volumes: mounts.flatMap((mount) => mount.volume ?? []),
    files: container.files,
    directories: mounts.flatMap(({ source, owner }) => (owner === undefined ? [] : [{ source, owner }])),
    ...(container.group === undefined ? {} : { group: container.group }),
    warnings: [...(document.converted?.warnings ?? []), ...warnings],
    origins: valueOrigins(manifest, origins),
  };
}

/** What is not mounted by the spec itself is taken over from other containers. */
function mountPath({ volumes = [] }: ContainerSpec, mounted: string): SpecPath {
  const own = volumes.findIndex(({ type, source = "" }) => type === "bind" && cleanPath(source) === mounted);
  return own === -1 ? ["volumesFrom"] : ["volumes", own];
}

/** Where the spec says it. */
function optionPath(spec: ContainerSpec, option: string): string[] {
  return option === "max-file" && spec.log?.maxFile !== undefined ? ["log", "maxFile"] : ["log", "options", option];
}

function containerName(text: string): ContainerName {
  if (isContainerName(text)) return text;
  throw new AgentError("SPEC_INVALID", `${JSON.stringify(text)} is not a name for a container`);
}
