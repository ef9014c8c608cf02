// Nics as Docker's endpoints.
import type { ContainerFacts, NicFacts } from "./facts.ts";
import type { NodeSurroundings } from "./surroundings.ts";

export function networkNameOf(nic: NicFacts, { networkName }: NodeSurroundings): string {
  return networkName?.(nic) ?? nic.nicTag ?? nic.interface ?? "unknown";
}

/** `HostConfig.NetworkMode`: the network of the primary nic. */
export function networkMode(facts: ContainerFacts, surroundings: NodeSurroundings): string {
  const nic = primaryNic(facts);
  return nic === undefined ? "none" : networkNameOf(nic, surroundings);
}

export function primaryNic({ nics }: ContainerFacts): NicFacts | undefined {
  return nics.find(({ primary }) => primary) ?? nics[0];
}

/** `NetworkSettings.Networks`; of two nics in one network the first is shown. */
export function endpoints(facts: ContainerFacts, surroundings: NodeSurroundings): Record<string, unknown> {
  return Object.fromEntries(
    facts.nics.toReversed().map((nic) => [
      networkNameOf(nic, surroundings),
      {
        IPAMConfig: nic.address === undefined ? null : { IPv4Address: nic.address },
        Links: null,
        Aliases: null,
        MacAddress: nic.mac ?? "",
        NetworkID: nic.networkUuid ?? nic.nicTag ?? "",
        EndpointID: nic.mac?.replaceAll(":", "") ?? "",
        ...addressOf(nic),
        DriverOpts: null,
      },
    ]),
  );
}

export function addressOf(nic: NicFacts | undefined): Record<string, unknown> {
  const six = nic?.address?.includes(":") === true;
  const [address, length] = [nic?.address ?? "", nic?.prefixLength ?? 0];
  return {
    Gateway: six ? "" : (nic?.gateway ?? ""),
    IPAddress: six ? "" : address,
    IPPrefixLen: six ? 0 : length,
    IPv6Gateway: six ? (nic.gateway ?? "") : "",
    GlobalIPv6Address: six ? address : "",
    GlobalIPv6PrefixLen: six ? length : 0,
  };
}
