// The configuration file, key by key. Unknown keys are refused; README's table is written from the descriptions here.
import { isAbsolute } from "node:path";
import { z } from "zod";

const absolutePath = z.string().refine(isAbsolute, "must be an absolute path");

const uuid = z
  .string()
  .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, "must be a uuid in lower case");

/** A resource profile, in the words and units of Triton's package service (sdc-docker.md 10.2), so that one can be copied. */
export const packageSchema = z.strictObject({
  uuid,
  name: z
    .string()
    .regex(/^[a-zA-Z0-9]([a-zA-Z0-9_.-]+)?[a-zA-Z0-9]$/, "must be letters, digits, `_`, `.` and `-`")
    .max(128),
  description: z.string().optional(),
  active: z.boolean().default(true).describe("An inactive package cannot be chosen."),
  owner_uuids: z.array(uuid).optional().describe("Accounts of the head node that may use it. Absent: all."),
  brand: z.string().optional(),
  max_physical_memory: z.int().min(64).describe("MiB."),
  max_swap: z.int().min(256).describe("Memory plus swap, MiB."),
  quota: z.int().min(0).describe("MiB; 0 is unlimited."),
  max_lwps: z.int().min(16).optional().describe("Limit of threads."),
  cpu_cap: z.int().min(1).optional().describe("Percent of one CPU. Absent: no cap."),
  fss: z
    .union([z.number(), z.string()])
    .optional()
    .describe("CPU shares of the zone; 100 is normal. Text is what old packages have."),
  vcpus: z.int().min(1).optional().describe("Means nothing to a zone."),
  zfs_io_priority: z.int().min(0).max(16_384).optional().describe("ZFS I/O priority; 100 is normal."),
});

const registryHost = z
  .string()
  .regex(/^(?:[a-zA-Z0-9](?:[a-zA-Z0-9.-]*[a-zA-Z0-9])?|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/, "must be host[:port]");

const proxyUrl = z.url({ protocol: /^https?$/, error: "must be an http or https URL" });

export const registryHostSchema = z.strictObject({
  mirrors: z
    .array(registryHost)
    .max(8)
    .default([])
    .describe("Registries asked first, in this order; the registry itself is asked last."),
  ca: absolutePath
    .optional()
    .describe("PEM file of authorities trusted for this host, besides those node brings along."),
  cert: absolutePath.optional().describe("PEM file of the certificate shown to this host; needs `key`."),
  key: absolutePath.optional().describe("PEM file of its key, readable by its owner only."),
});

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
        .optional()
        .describe("Level of the agent's own log (JSON lines on stderr). Default: `warn`, the daemon's `info`."),
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
  packages: z
    .array(packageSchema)
    .default([])
    .check(({ value, issues }) => {
      const seen = new Set<string>();
      for (const [i, one] of value.entries()) {
        if (seen.has(one.uuid))
          issues.push({ code: "custom", input: value, path: [i, "uuid"], message: "a second package of this uuid" });
        seen.add(one.uuid);
      }
    })
    .describe("Resource profiles a spec can name (`package`, label `com.joyent.package`)."),
  packagePrefix: z
    .string()
    .default("sample-")
    .describe("Beginning of the names of packages a head node's request may be given by its memory alone."),
  mounts: z
    .strictObject({
      allowedRoots: z
        .array(absolutePath)
        .default([])
        .describe("Directories of the global zone below which a spec may bind-mount. Empty: none."),
    })
    .prefault({}),
  images: z
    .strictObject({
      keepBlobs: z
        .enum(["none", "loaded", "all"])
        .default("loaded")
        .describe(
          "Images whose packed layers are kept for `zonelet save`: those from archives (`loaded`), those from registries as well (`all`), or `none`. What is not kept is fetched again when it is saved.",
        ),
    })
    .prefault({}),
  logs: z
    .strictObject({
      maxFile: z
        .int()
        .min(1)
        .optional()
        .describe(
          "Files kept of a container's log where its spec says nothing, the current one included. Default: all.",
        ),
      archive: z
        .strictObject({
          command: z
            .tuple([absolutePath], z.string())
            .describe("Program and arguments; the path of the rotated file is added as the last one."),
          timeoutSeconds: z.int().min(1).max(3600).default(60),
        })
        .optional()
        .describe("What a rotated log is handed to before it is removed; it is removed only when this ends with 0."),
    })
    .prefault({})
    .describe("What becomes of rotated logs."),
  registries: z
    .strictObject({
      insecure: z
        .array(registryHost)
        .default([])
        .describe("Registries (`host[:port]`) spoken to over plain HTTP. Loopback always is."),
      concurrency: z.int().min(1).max(16).default(3).describe("Layers fetched at once."),
      dockerConfig: absolutePath
        .optional()
        .describe(
          "Docker's `config.json`, read for logins `zonelet login` does not know. Default: the one below DOCKER_CONFIG or HOME.",
        ),
      hosts: z
        .record(
          registryHost,
          registryHostSchema.refine(
            ({ cert, key }) => (cert === undefined) === (key === undefined),
            "`cert` and `key` go together",
          ),
        )
        .default({})
        .describe("Settings by registry (`host[:port]`); token servers on a host of their own have their own entry."),
      proxy: z
        .strictObject({
          http: proxyUrl.optional().describe("Proxy for http URLs; default: the environment's HTTP_PROXY."),
          https: proxyUrl.optional().describe("Proxy for https URLs; default: the environment's HTTPS_PROXY."),
          none: z.string().optional().describe("Hosts asked directly, separated by commas; default: NO_PROXY."),
        })
        .prefault({})
        .describe("Proxies on the way to registries. Never asked for loopback."),
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
