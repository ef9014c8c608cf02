import type { Healthcheck } from "../spec/healthcheck.ts";
import type { GroupPlace, ResolvedContainer } from "../spec/resolved.ts";
import type { ZoneManifest } from "../vmadm/schema.ts";
import { intentDigest, type MadeUp } from "./digest.ts";
import { dockerinitMetadata, type Metadata } from "./dockerinit.ts";
import { zoneFilesystems } from "./filesystems.ts";
import { DOCKER_TAG, LABEL_TAG_PREFIX, MARK_KEYS as MARK, MARK_VERSION } from "./metadata-keys.ts";
import { zoneNics } from "./network.ts";
import { stopTimeoutSeconds, zoneResources } from "./resources.ts";

/** The vmadm payload of a resolved container. Pure: the same container gives the same payload, byte for byte. */
export function buildZoneManifest(container: ResolvedContainer, madeUp: MadeUp, owner?: ZoneOwner): ZoneManifest {
  const manifest: ZoneManifest = {
    uuid: container.uuid,
    brand: "lx",
    docker: true,
    autoboot: false,
    image_uuid: container.image.uuid,
    kernel_version: container.kernelVersion,
    alias: container.name,
    hostname: container.hostname,
    ...(container.domainname === undefined ? {} : { dns_domain: container.domainname }),
    ...(container.package === undefined ? {} : { billing_id: container.package }),
    ...zoneResources(container),
    zlog_max_size: container.logMaxSize,
    firewall_enabled: container.firewallEnabled,
    nics: zoneNics(container.nics),
    ...(container.resolvers.length === 0 ? {} : { resolvers: [...container.resolvers] }),
    ...(container.mounts.length === 0 ? {} : { filesystems: zoneFilesystems(container.mounts) }),
    tags: {
      [DOCKER_TAG]: true,
      ...Object.fromEntries(Object.entries(container.labels).map(([key, value]) => [LABEL_TAG_PREFIX + key, value])),
    },
    internal_metadata: dockerinitMetadata(container),
  };
  return withMarks(
    manifest,
    {
      imageName: container.image.name,
      stopSignal: container.stopSignal,
      stopTimeoutS: stopTimeoutSeconds(container.stopTimeoutMs),
      autoRemove: container.autoRemove,
      ...(container.health === undefined ? {} : { health: container.health }),
      ...(container.group === undefined ? {} : { group: container.group }),
      ...(owner === undefined ? {} : { owner }),
    },
    madeUp,
    contentOf(container),
  );
}

/** What belongs to the request and not to the payload. */
function contentOf({ files, mounts }: ResolvedContainer): readonly unknown[] {
  const owners = mounts.flatMap(({ target, owner }) => (owner === undefined ? [] : [{ target, owner }]));
  return [...files, ...owners];
}

/** Who keeps a container as declared; whoever runs one by hand owns it himself. */
export type ZoneOwner = "apply";

export interface Promises {
  readonly imageName: string;
  readonly stopSignal: string;
  readonly stopTimeoutS: number;
  readonly autoRemove: boolean;
  readonly health?: Healthcheck;
  readonly group?: GroupPlace;
  readonly owner?: ZoneOwner;
}

export const DEFAULT_STOP_SIGNAL = "SIGTERM";
/** vmadm's own for docker zones. */
export const DEFAULT_STOP_TIMEOUT_S = 10;

/**
 * The payload with our marks: they make the zone ours and remember what vmadm has no property for. `content` is what was
 * asked for beside the payload.
 */
export function withMarks(
  manifest: ZoneManifest,
  promises: Promises,
  madeUp: MadeUp,
  content: readonly unknown[] = [],
): ZoneManifest {
  const marks: Metadata = {
    [MARK.image]: promises.imageName,
    ...(promises.stopSignal === DEFAULT_STOP_SIGNAL ? {} : { [MARK.stopSignal]: promises.stopSignal }),
    ...(promises.stopTimeoutS === DEFAULT_STOP_TIMEOUT_S ? {} : { [MARK.stopTimeout]: promises.stopTimeoutS }),
    ...(promises.autoRemove ? { [MARK.autoRemove]: true } : {}),
    ...(promises.health === undefined ? {} : { [MARK.health]: JSON.stringify(promises.health) }),
    ...(promises.group === undefined ? {} : groupMarks(promises.group)),
  };
  const marked = { ...manifest, internal_metadata: { ...manifest.internal_metadata, ...marks } };
  return {
    ...marked,
    internal_metadata: {
      ...marked.internal_metadata,
      ...(promises.owner === undefined ? {} : { [MARK.owner]: promises.owner }),
      [MARK.version]: MARK_VERSION,
      [MARK.digest]: intentDigest(marked, madeUp, content),
    },
  };
}

function groupMarks({ name, order, role, after }: GroupPlace): Metadata {
  return {
    [MARK.group]: name,
    [MARK.groupOrder]: order,
    ...(role === "main" ? {} : { [MARK.groupRole]: role }),
    ...(after.length === 0 ? {} : { [MARK.groupAfter]: JSON.stringify(after) }),
  };
}
