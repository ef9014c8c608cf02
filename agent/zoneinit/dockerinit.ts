// What the platform's container init is told: the `docker:*` part of internal_metadata.
import type { ResolvedContainer } from "../spec/resolved.ts";
import { logOptions } from "./log-driver.ts";
import { DOCKER_KEYS as KEY, metadataJson } from "./metadata-keys.ts";

export type Metadata = Record<string, string | number | boolean>;

/** Raises SPEC_INVALID for text dockerinit cannot carry; `resolve` has refused it before, with its place. */
export function dockerinitMetadata(container: ResolvedContainer): Metadata {
  const policy = restartPolicyText(container.restart);
  return {
    [KEY.id]: container.dockerId,
    ...(container.image.id === undefined ? {} : { [KEY.imageId]: container.image.id }),
    [KEY.imageName]: container.image.name,
    [KEY.entrypoint]: metadataJson(KEY.entrypoint, container.entrypoint),
    [KEY.cmd]: metadataJson(KEY.cmd, container.cmd),
    [KEY.env]: metadataJson(KEY.env, container.env),
    [KEY.linkEnv]: "[]",
    [KEY.linkHosts]: "",
    ...(container.user === "" ? {} : { [KEY.user]: container.user }),
    ...(container.workdir === "" ? {} : { [KEY.workdir]: container.workdir }),
    ...(container.tty ? { [KEY.tty]: true } : {}),
    ...(container.openStdin ? { [KEY.openStdin]: true } : {}),
    [KEY.noIpmgmtd]: true,
    ...(policy === undefined ? {} : { [KEY.restartPolicy]: policy }),
    ...(container.log === undefined
      ? {}
      : {
          [KEY.logDriver]: container.log.driver,
          [KEY.logConfig]: metadataJson(
            KEY.logConfig,
            logOptions(container.log.driver, container.log.options, {
              dockerId: container.dockerId,
              name: container.name,
              imageName: container.image.name,
              imageId: container.image.id ?? "",
            }),
          ),
        }),
    ...(container.dnsSearch.length === 0 ? {} : { [KEY.dnsSearch]: metadataJson(KEY.dnsSearch, container.dnsSearch) }),
    ...(container.nfs.length === 0
      ? {}
      : {
          [KEY.nfsVolumes]: JSON.stringify(
            container.nfs.map(({ source, target, readOnly }) => ({
              nfsvolume: source,
              mountpoint: target,
              readonly: readOnly,
            })),
          ),
        }),
    ...(container.extraHosts.length === 0
      ? {}
      : { [KEY.extraHosts]: metadataJson(KEY.extraHosts, container.extraHosts) }),
  };
}

/** sdc-docker.md 6: no key at all for `no`, no count for "without limit". */
function restartPolicyText(restart: ResolvedContainer["restart"]): string | undefined {
  if (restart.policy === "no") return undefined;
  if (restart.policy === "on-failure" && restart.maxRetries > 0) return `on-failure:${restart.maxRetries}`;
  return restart.policy;
}
