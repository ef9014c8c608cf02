// The configuration file, key by key. Unknown keys are refused; README's table is written from the descriptions here.
import { isAbsolute } from "node:path";
import { z } from "zod";

const absolutePath = z.string().refine(isAbsolute, "must be an absolute path");

export const configSchema = z.strictObject({
  version: z.literal(1).describe("Version of this file's format."),
  host: z
    .strictObject({
      root: absolutePath
        .optional()
        .describe("Where the platform's `/` is. `/` on SmartOS; a lab host's root elsewhere."),
      binDirs: z
        .array(absolutePath)
        .optional()
        .describe("Directories searched for vmadm, imgadm, … instead of SmartOS's own places."),
      pool: z.string().default("zones").describe("ZFS pool of zones and images."),
    })
    .prefault({}),
  log: z
    .strictObject({
      level: z
        .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
        .default("warn")
        .describe("Level of the agent's own log (JSON lines on stderr)."),
    })
    .prefault({}),
  defaults: z
    .strictObject({
      kernelVersion: z
        .string()
        .regex(/^\d+\.\d+(\.\d+)?$/)
        .default("4.3.0")
        .describe("Linux version an LX zone claims when neither spec nor image says one."),
      memory: z.string().default("512m").describe("Memory cap of a container whose spec says none."),
      quotaGiB: z
        .int()
        .min(0)
        .default(10)
        .describe("Disk quota in GiB of a container whose spec says none; 0 is unlimited."),
      maxLwps: z.int().min(16).default(2000).describe("Limit of threads of a container whose spec says none."),
      network: z
        .string()
        .optional()
        .describe(
          "Name of the network (see `networks`) of a container whose spec names none. Without it such a container has no nic.",
        ),
      logMaxSize: z
        .string()
        .default("50m")
        .describe("Size at which a container's log is rotated; decimal `k`, `m`, `g`."),
    })
    .prefault({}),
  networks: z
    .record(
      z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/),
      z.strictObject({
        nicTag: z.string().min(1).describe("nic tag of the node, as `nictagadm list` shows it."),
        subnet: z
          .cidrv4()
          .optional()
          .describe("Subnet of the network; needed for static addresses given without prefix."),
        gateway: z.ipv4().optional(),
        vlan: z.int().min(0).max(4094).optional(),
        resolvers: z.array(z.union([z.ipv4(), z.ipv6()])).default([]),
        mtu: z.int().min(1500).max(9000).optional(),
      }),
    )
    .default({})
    .describe("Networks a spec can name."),
  mounts: z
    .strictObject({
      allowedRoots: z
        .array(absolutePath)
        .default([])
        .describe("Directories of the global zone below which a spec may bind-mount. Empty: none."),
    })
    .prefault({}),
  registries: z
    .strictObject({
      insecure: z
        .array(z.string())
        .default([])
        .describe("Registries (`host[:port]`) spoken to over plain HTTP. Loopback always is."),
      concurrency: z.int().min(1).max(16).default(3).describe("Layers fetched at once."),
    })
    .prefault({}),
});

export type ConfigFile = z.output<typeof configSchema>;
export type NetworkConfig = ConfigFile["networks"][string];

/** The file plus what the environment decided. Frozen. */
export interface Config extends ConfigFile {
  readonly host: ConfigFile["host"] & {
    readonly root: string;
    readonly binDirs: readonly string[];
    readonly lab: boolean;
  };
  /** Path the file was read from; undefined when there was none and defaults hold. */
  readonly file: string | undefined;
  /** Whole environment of host commands. */
  readonly commandEnv: Readonly<Record<string, string>>;
  /** User wants no colour (`NO_COLOR`). */
  readonly noColor: boolean;
  /** Proxy settings for registries, as the environment had them. */
  readonly proxies: { readonly http?: string; readonly https?: string; readonly none?: string };
}
