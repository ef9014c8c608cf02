// Which networks a container is on (sdc-docker.md 13).
import { networkDockerId, uuidPrefix } from "../docker-view/identity.ts";
import { refusal } from "../docker-view/refusal.ts";
import type { SdcService } from "./service.ts";
import { invalid, notImplemented } from "./refuse.ts";

export interface SdcNetwork {
  readonly uuid: string;
  readonly name: string;
  readonly owner_uuids?: readonly string[] | undefined;
}

/** Networks and pools of the node or the head node. */
export interface SdcNetworks {
  readonly networks: readonly SdcNetwork[];
  readonly pools: readonly SdcNetwork[];
  /** uuid of the account's default fabric network. */
  readonly default_fabric?: string | undefined;
}

export interface NetworkChoice {
  readonly uuid: string;
  readonly primary?: true;
}

export interface NetworkRequest {
  readonly mode: string;
  /** A port is open to anybody. */
  readonly published: boolean;
  /** Label `triton.network.public`. */
  readonly publicLabel: string | undefined;
  readonly account: string;
  readonly service: SdcService;
  readonly networks: SdcNetworks;
}

const DEFAULT_MODES = new Set(["", "bridge", "default"]);

/** Modes a zone has no counterpart for; with `links`, that they are not on a network of the user. */
export function refuseNetworkMode(mode: string, links: readonly string[] = []): void {
  if (mode === "host" || mode === "none") throw notImplemented(`NetworkMode ${mode} is not supported`);
  if (mode.startsWith("container:")) throw notImplemented("Container networking is not supported");
  if (links.length > 0 && !DEFAULT_MODES.has(mode)) throw notImplemented("user-defined networking links");
}

export function chooseNetworks(request: NetworkRequest): NetworkChoice[] {
  const { mode, published, publicLabel, service } = request;
  if (!service.overlay.enabled) return [{ uuid: externalNetwork(request), primary: true }];
  if (publicLabel !== undefined && !published)
    throw invalid("triton.network.public label requires a container with published ports");
  const fabric = DEFAULT_MODES.has(mode) ? request.networks.default_fabric : resolveNetwork(mode, request);
  if (fabric === undefined) throw networkNotFound("default");
  if (!published) return [{ uuid: fabric, primary: true }];
  return [{ uuid: fabric }, { uuid: externalNetwork(request), primary: true }];
}

/** By the label's name, the pool of the overlay's settings, or the setting's name. */
function externalNetwork(request: NetworkRequest): string {
  const { publicLabel, service } = request;
  const { enabled, externalPool } = service.overlay;
  if (publicLabel === undefined && enabled && externalPool !== undefined) return externalPool;
  const name = publicLabel ?? service.externalNetwork;
  const named = candidates(request).flatMap((list) => list.filter((network) => network.name === name));
  const [first] = named;
  if (first === undefined) throw networkNotFound(name);
  return first.uuid;
}

/** Whole docker id, exact name, or the beginning of an id; networks before pools in each. */
function resolveNetwork(reference: string, request: NetworkRequest): string {
  const lists = candidates(request);
  const steps: ((network: SdcNetwork) => boolean)[] = [
    ({ uuid }) => networkDockerId(uuid) === reference,
    ({ name }) => name === reference,
    ({ uuid }) => /^[0-9a-f]+$/.test(reference) && uuid.startsWith(uuidPrefix(reference)),
  ];
  for (const step of steps)
    for (const list of lists) {
      const [found, ...others] = list.filter(step);
      if (others.length > 0)
        throw refusal("SPEC_INVALID", `multiple networks match prefix ${reference}`, {
          status: 404,
          code: "AmbiguousDockerNetworkIdPrefix",
        });
      if (found !== undefined) return found.uuid;
    }
  throw networkNotFound(reference);
}

/** What the account may use. */
function candidates({ networks, account }: NetworkRequest): SdcNetwork[][] {
  return [networks.networks, networks.pools].map((list) =>
    list.filter(({ owner_uuids: owners }) => owners === undefined || owners.includes(account)),
  );
}

function networkNotFound(name: string) {
  return refusal("NETWORK_NOT_FOUND", `network ${name} not found`, { status: 404, code: "Error" });
}
