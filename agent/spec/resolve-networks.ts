// Names of networks to nics. Addresses are the spec's business: the node has no address management of its own.
import { BlockList } from "node:net";
import { suggest } from "../util/suggest.ts";
import { AgentError } from "../errors/agent-error.ts";
import type { ResolveContext } from "./resolve.ts";
import type { FieldOrigin, ResolvedNic } from "./resolved.ts";

/** A network of the node's configuration. */
export interface NodeNetwork {
  readonly nicTag: string;
  readonly subnet?: string | undefined;
  readonly gateway?: string | undefined;
  readonly vlan?: number | undefined;
  readonly resolvers: readonly string[];
  readonly mtu?: number | undefined;
}

interface WantedNic {
  readonly name: string;
  readonly ip?: string | undefined;
  readonly mac?: string | undefined;
}

export interface ResolvedNetworks {
  readonly nics: readonly ResolvedNic[];
  readonly resolvers: readonly string[];
  readonly origin: FieldOrigin;
  readonly resolversOrigin: FieldOrigin;
}

/** The first nic is the primary one and carries the default gateway. */
export function resolveNetworks(context: ResolveContext): ResolvedNetworks {
  const { spec, node } = context;
  const wanted: readonly WantedNic[] = spec.networks ?? defaultNetworks(context);
  const nics: ResolvedNic[] = [];
  const resolvers: string[] = [];
  wanted.forEach((nic, i) => {
    const network = Object.hasOwn(node.networks, nic.name) ? node.networks[nic.name] : undefined;
    if (network === undefined) {
      complainAboutName(context, nic.name, i);
      return;
    }
    const address = addressOf(context, nic, network, i);
    resolvers.push(...network.resolvers);
    nics.push({
      nicTag: network.nicTag,
      ips: [address],
      ...(network.gateway === undefined || i > 0 || address === "dhcp" ? {} : { gateway: network.gateway }),
      ...(network.vlan === undefined ? {} : { vlan: network.vlan }),
      ...(network.mtu === undefined ? {} : { mtu: network.mtu }),
      ...(nic.mac === undefined ? {} : { mac: nic.mac }),
    });
  });
  return {
    nics,
    resolvers: spec.dns ?? [...new Set(resolvers)],
    origin:
      spec.networks === undefined
        ? { from: "node", why: node.defaults.network === undefined ? "no default network" : "defaults.network" }
        : context.fromSpec("networks"),
    resolversOrigin:
      spec.dns === undefined
        ? { from: "node", why: `resolvers of ${wanted.map((nic) => `networks.${nic.name}`).join(", ")}` }
        : context.fromSpec("dns"),
  };
}

function defaultNetworks({ node }: ResolveContext): WantedNic[] {
  const name = node.defaults.network;
  if (name === undefined) return [];
  if (!Object.hasOwn(node.networks, name))
    throw new AgentError(
      "CONFIG_INVALID",
      `the configuration's defaults.network names ${name}, which is not among its networks`,
    );
  return [{ name }];
}

function complainAboutName(context: ResolveContext, name: string, i: number): void {
  const names = Object.keys(context.node.networks);
  const near = suggest(name, names);
  const known = names.length === 0 ? "the configuration has no networks" : `the configuration has ${names.join(", ")}`;
  const meant = near === undefined ? "" : ` (did you mean "${near}"?)`;
  context.complain(["networks", i, "name"], `there is no network ${JSON.stringify(name)}${meant}; ${known}`);
}

function addressOf(context: ResolveContext, nic: WantedNic, network: NodeNetwork, i: number): string {
  if (nic.ip === undefined || nic.ip === "dhcp") {
    context.warn(
      context.spec.networks === undefined ? [] : ["networks", i],
      `network ${nic.name}: no static address, and the platform's container init does not speak DHCP`,
      "give the network an ip, or let the image configure its interface itself",
    );
    return "dhcp";
  }
  const [address = "", prefix] = nic.ip.split("/");
  const [base = "", length] = network.subnet?.split("/") ?? [];
  const path = ["networks", i, "ip"];
  if (length === undefined) {
    if (prefix === undefined)
      context.complain(
        path,
        `${address} needs a prefix: write ${address}/24, or give the network ${nic.name} a subnet in the configuration`,
      );
    return nic.ip;
  }
  const subnet = new BlockList();
  subnet.addSubnet(base, Number(length));
  if (!subnet.check(address))
    context.complain(path, `${address} is not in ${network.subnet ?? ""}, the subnet of ${nic.name}`);
  return `${address}/${prefix ?? length}`;
}
