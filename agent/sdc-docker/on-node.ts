// A head node's create request on a node of its own: packages and networks come from the node's configuration, there is
// one account, and addresses are asked for by DHCP.
import { type SdcContext, type SdcImage } from "./context.ts";
import { DEFAULT_SERVICE } from "./service.ts";
import type { SdcCreation } from "./create.ts";
import type { SdcPackage } from "./packages.ts";
import { translateToVmadm, type VmadmCreation } from "./vmadm-payload.ts";

/** The part of the node's configuration a request meets. */
export interface NodeSettings {
  readonly packages: readonly SdcPackage[];
  readonly packagePrefix: string;
  readonly defaults: { readonly network?: string | undefined };
  readonly networks: Readonly<Record<string, NodeNetworkSettings>>;
}

/** As the configuration has them. */
type NodeNetworkSettings = {
  readonly nicTag: string;
  readonly vlan?: number | undefined;
  readonly mtu?: number | undefined;
  readonly resolvers: readonly string[];
};

/** Rules are fwadm's, and virtual CPUs mean nothing to an lx zone. */
const NOT_VMADMS = new Set(["firewall_rules", "vcpus"]);

/** vmadm's owner of a zone that names none. */
const NOBODY = "00000000-0000-0000-0000-000000000000";

export interface NodeRequest {
  readonly body: unknown;
  readonly image: SdcImage | undefined;
  readonly newUuid: SdcContext["newUuid"];
  readonly newName: SdcContext["newName"];
}

/** Raises what a Docker client is told. Links and `--volumes-from` find nothing: no zones are looked at. */
export function translateOnNode({ body, ...own }: NodeRequest, node: NodeSettings): VmadmCreation {
  const context: SdcContext = {
    ...own,
    service: {
      ...DEFAULT_SERVICE,
      packagePrefix: node.packagePrefix,
      externalNetwork: node.defaults.network ?? DEFAULT_SERVICE.externalNetwork,
    },
    account: { uuid: NOBODY, login: "root", approved: true, searchSuffixes: [] },
    packages: node.packages,
    // Networks of the configuration have a name only, which stands for the uuid and never leaves this function.
    networks: { networks: Object.keys(node.networks).map((name) => ({ uuid: name, name })), pools: [] },
    zones: [],
    firewallRules: [],
  };
  const networksOf = (creation: SdcCreation): NodeNetworkSettings[] =>
    creation.payload.networks.flatMap(({ uuid: name }) => {
      const network = Object.hasOwn(node.networks, name) ? node.networks[name] : undefined;
      return network === undefined ? [] : [network];
    });
  const { vmadmPayload, ...creation } = translateToVmadm(body, context, networksOf);
  const payload = Object.fromEntries(Object.entries(vmadmPayload).filter(([key]) => !NOT_VMADMS.has(key)));
  const nics = networksOf(creation).map((network, i) => ({
    nic_tag: network.nicTag,
    ips: ["dhcp"],
    ...(i === 0 ? { primary: true } : {}),
    ...(network.vlan === undefined ? {} : { vlan_id: network.vlan }),
    ...(network.mtu === undefined ? {} : { mtu: network.mtu }),
  }));
  return { ...creation, vmadmPayload: { ...payload, nics } };
}
