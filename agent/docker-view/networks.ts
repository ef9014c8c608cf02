// Networks of an account in Docker's form (sdc-docker.md 25).
import { networkDockerId } from "./identity.ts";

export interface AccountNetwork {
  readonly uuid: string;
  readonly name: string;
  readonly nic_tag: string;
  readonly fabric?: boolean | undefined;
  readonly subnet: string;
  readonly gateway?: string | undefined;
  readonly mtu?: number | undefined;
}

export interface AccountPool {
  readonly uuid: string;
  readonly name: string;
  readonly networks: readonly string[];
}

/** Pools first; networks of the admin tag and members of pools are left out. */
export function dockerNetworks(
  networks: readonly AccountNetwork[],
  pools: readonly AccountPool[],
): Record<string, unknown>[] {
  const pooled = new Set(pools.flatMap((pool) => pool.networks));
  const shown = networks.filter((network) => network.nic_tag !== "admin" && !pooled.has(network.uuid));
  return [
    ...pools.map((pool) => ({ ...dockerNetwork(pool), Options: {}, Scope: "pool" })),
    ...shown.map((network) => ({
      ...dockerNetwork(network),
      Options: network.mtu === undefined ? {} : { "com.docker.network.driver.mtu": String(network.mtu) },
      Scope: network.fabric === true ? "overlay" : "external",
      Config: [{ Subnet: network.subnet, ...(network.gateway === undefined ? {} : { Gateway: network.gateway }) }],
    })),
  ];
}

function dockerNetwork({ uuid, name }: Pick<AccountNetwork, "uuid" | "name">): Record<string, unknown> {
  return { Driver: "Triton", Id: networkDockerId(uuid), IPAM: { Driver: "default", Options: null }, Name: name };
}
