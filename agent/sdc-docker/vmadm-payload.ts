// From a create request to what vmadm reads, on a node without a VM service (sdc-docker.md 17).
import { vmServiceValues } from "../zoneinit/vm-service.ts";
import { translateCreate, type SdcCreation } from "./create.ts";
import type { SdcContext } from "./context.ts";

export interface PayloadNic {
  readonly resolvers?: readonly string[] | undefined;
  /** Networks by their gateways. */
  readonly routes?: Readonly<Record<string, string>> | undefined;
  readonly [property: string]: unknown;
}

export interface VmadmCreation extends SdcCreation {
  readonly vmadmPayload: Readonly<Record<string, unknown>>;
}

/** The nics of the chosen networks, with addresses: whoever hands those out decides. */
export type NicsOf = (creation: SdcCreation) => readonly PayloadNic[];

/**
 * The whole way. Raises what a Docker client is told; a payload the VM service would refuse is PAYLOAD_INVALID with its
 * list in `details.errors`.
 */
export function translateToVmadm(request: unknown, context: SdcContext, nicsOf: NicsOf): VmadmCreation {
  const creation = translateCreate(request, context);
  return { ...creation, vmadmPayload: vmadmPayload(creation, nicsOf(creation)) };
}

const KEPT_BY_SERVICE = new Set(["restart_init", "networks", "affinity", "volumes"]);

/** What the VM service keeps for itself is left out, what it adds is added. */
export function vmadmPayload(creation: SdcCreation, nics: readonly PayloadNic[]): Record<string, unknown> {
  const payload: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(creation.payload)) if (!KEPT_BY_SERVICE.has(key)) payload[key] = value;
  Object.assign(payload, vmServiceValues(creation.payload, { package: creation.package, nics }));
  payload["nics"] = nics;
  payload["archive_on_delete"] = true;
  // The first nic that has a route to a network wins.
  const routes = nics.flatMap((nic) => Object.entries(nic.routes ?? {})).toReversed();
  if (routes.length > 0) payload["routes"] = Object.fromEntries(routes);
  return payload;
}
