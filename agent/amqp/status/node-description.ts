// What a sysinfo says, with its texts made numbers (amqp-head-node.md 13): addresses of the node, and the fields of the
// head node's record of it. Strangers send sysinfos, too, so nothing in it is taken for granted.
import { z } from "zod";

const textNumber = z.union([z.number(), z.string().regex(/^\d{1,15}$/).transform(Number)]); // prettier-ignore

const nicSchema = z.looseObject({
  "MAC Address": z.string().optional(),
  ip4addr: z.string().optional(),
  "NIC Names": z.array(z.string()).catch([]).default([]),
});

const sysinfoSchema = z.looseObject({
  "Live Image": z.string().optional().catch(undefined),
  "System Type": z.string().optional().catch(undefined),
  Hostname: z.string().optional().catch(undefined),
  "Boot Time": textNumber.optional().catch(undefined),
  "MiB of Memory": textNumber.optional().catch(undefined),
  "Zpool Creation": textNumber.optional().catch(undefined),
  "Admin NIC Tag": z.string().catch("").default(""),
  "Admin IP": z.string().optional().catch(undefined),
  "CN Agent Port": z.int().min(1).max(65535).optional().catch(undefined),
  Setup: z
    .union([z.boolean(), z.enum(["true", "false"]).transform((word) => word === "true")])
    .catch(false)
    .default(false),
  "Boot Parameters": z.looseObject({ headnode: z.string().optional() }).catch({}).default({}),
  "Network Interfaces": z.record(z.string(), nicSchema).catch({}).default({}),
});

export interface NodeDescription {
  readonly adminMac: string | undefined;
  readonly adminIp: string | undefined;
  /** Where an agent that serves tasks over HTTP listens. */
  readonly taskPort: number;
  /** Every name of every nic, in their order, each once. */
  readonly nicTags: readonly string[];
  readonly record: ServerFields;
}

export interface ServerFields {
  readonly created?: string;
  readonly current_platform?: string;
  readonly headnode: boolean;
  readonly hostname?: string;
  readonly system_type?: string;
  readonly last_boot?: string;
  /** MiB. */
  readonly ram?: number;
  readonly setup: boolean;
}

const DEFAULT_PORT = 5309;
const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;

/** Undefined for what is no object. Fields that are missing, or of another type than they have, are left out. */
export function describeNode(sysinfo: unknown): NodeDescription | undefined {
  const info = sysinfoSchema.safeParse(sysinfo).data;
  if (info === undefined) return undefined;
  const nics = Object.values(info["Network Interfaces"]);
  const tag = info["Admin NIC Tag"] === "" ? "admin" : info["Admin NIC Tag"];
  const admin = nics.find((nic) => nic["NIC Names"].includes(tag));
  return {
    adminMac: admin?.["MAC Address"],
    // "dhcp" is a word, not an address.
    adminIp: address(info["Admin IP"]) ?? address(admin?.ip4addr),
    taskPort: info["CN Agent Port"] ?? DEFAULT_PORT,
    nicTags: [...new Set(nics.flatMap((nic) => nic["NIC Names"]))],
    record: present({
      created: isoTime(info["Zpool Creation"]),
      current_platform: info["Live Image"],
      headnode: info["Boot Parameters"].headnode === "true",
      hostname: info.Hostname,
      system_type: info["System Type"],
      last_boot: isoTime(info["Boot Time"]),
      ram: info["MiB of Memory"],
      setup: info.Setup,
    }),
  };
}

function address(text: string | undefined): string | undefined {
  return text !== undefined && IPV4.test(text) ? text : undefined;
}

/** Seconds since 1970; undefined beyond what a date can hold. */
function isoTime(seconds: number | undefined): string | undefined {
  if (seconds === undefined) return undefined;
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

function present(
  fields: { [K in keyof ServerFields]: ServerFields[K] | undefined } & Pick<ServerFields, "headnode" | "setup">,
): ServerFields {
  const { created, current_platform, hostname, system_type, last_boot, ram, headnode, setup } = fields;
  return {
    headnode,
    setup,
    ...(created === undefined ? {} : { created }),
    ...(current_platform === undefined ? {} : { current_platform }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(system_type === undefined ? {} : { system_type }),
    ...(last_boot === undefined ? {} : { last_boot }),
    ...(ram === undefined ? {} : { ram }),
  };
}
