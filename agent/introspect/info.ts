// What this instance is and can do, asked of the node and not assumed from a version (events-and-filters.md 8 and 12).
import { createRequire } from "node:module";
import { createZstdDecompress } from "node:zlib";
import { z } from "zod";
import type { Config } from "../config/schema.ts";
import { fromUnknown, toWire } from "../errors/chain.ts";
import type { Events } from "../events/events.ts";
import { MAX_EXPRESSION } from "../filters/expression.ts";
import type { Host } from "../host/host.ts";
import { hasPlatformLogger } from "../host/platform-logger.ts";
import { readSysinfo } from "../host/sysinfo.ts";
import { LIMITS } from "../imgadm/limits.ts";
import { FOREIGN_FORMATS } from "../spec/formats/formats.ts";
import type { LatencyTable } from "../util/latency-table.ts";
import { logDrivers } from "../zoneinit/log-driver.ts";

const latency = z.object({ count: z.int(), failed: z.int(), p50Ms: z.number(), p95Ms: z.number(), maxMs: z.number() });

export const infoSchema = z.object({
  version: z.string(),
  /** Versions of the daemon's interface. */
  api: z.array(z.string()),
  specs: z.array(z.string()),
  dialects: z.array(z.string()),
  /** Identity of this node's history of events. */
  instance: z.string(),
  node: z.object({
    kind: z.enum(["smartos", "lab"]),
    root: z.string(),
    platform: z.string().optional(),
    uuid: z.string().optional(),
    hostname: z.string().optional(),
    bootedAt: z.string().optional(),
    javascript: z.string(),
  }),
  capabilities: z.object({
    logDrivers: z.array(z.object({ name: z.string(), usable: z.boolean(), reason: z.string().optional() })),
    /** Terminals of our own; without them a command uses the caller's. */
    pty: z.boolean(),
    zstd: z.boolean(),
    snapshots: z.boolean(),
    filters: z.array(z.string()),
    restart: z.array(z.string()),
    /** Linux version an LX zone claims when nobody asks for another. */
    lxKernel: z.string(),
  }),
  limits: z.record(z.string(), z.number()),
  /** Host commands and requests of this process so far, by name. */
  latencies: z.record(z.string(), latency),
  /** What could not be found out, and why. */
  problems: z.array(z.object({ about: z.string(), error: z.looseObject({ code: z.string(), message: z.string() }) })),
});
export type Info = z.output<typeof infoSchema>;

export interface InfoSources {
  readonly version: string;
  readonly api: readonly string[];
  readonly config: Config;
  readonly host: Host;
  readonly events: Pick<Events, "history">;
  readonly latencies: LatencyTable;
}

/** Never fails for what a node does not tell: that is listed among the problems. One host command. */
export async function gatherInfo(sources: InfoSources, signal?: AbortSignal): Promise<Info> {
  const { config, host } = sources;
  const problems: Info["problems"] = [];
  const sysinfo = await readSysinfo(host, { signal }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    problems.push({ about: "sysinfo", error: { ...toWire(fromUnknown(error)) } });
    return undefined;
  });
  const boot = Number(sysinfo?.["Boot Time"]);
  return {
    version: sources.version,
    api: [...sources.api],
    specs: ["spec/v1", "vmadm", ...FOREIGN_FORMATS.map((format) => format.name)],
    dialects: ["docker", "sdc-docker"],
    instance: await sources.events.history.instance(),
    node: {
      kind: config.host.lab ? "lab" : "smartos",
      root: config.host.root,
      platform: sysinfo?.["Live Image"],
      uuid: sysinfo?.UUID,
      hostname: sysinfo?.Hostname,
      ...(Number.isFinite(boot) && boot > 0 ? { bootedAt: new Date(boot * 1000).toISOString() } : {}),
      javascript: `node ${process.versions.node}`,
    },
    capabilities: {
      logDrivers: [...logDrivers(hasPlatformLogger(host.paths))],
      pty: hasModule("node-pty"),
      zstd: typeof createZstdDecompress === "function",
      snapshots: true,
      filters: ["containerd", "docker"],
      restart: ["no", "always", "on-failure", "unless-stopped"],
      lxKernel: config.defaults.kernelVersion,
    },
    limits: {
      manifestBytes: LIMITS.manifest,
      imageConfigBytes: LIMITS.config,
      imageLayers: LIMITS.layers,
      layerUnpackedBytes: LIMITS.layerUnpacked,
      filterExpressionCharacters: MAX_EXPRESSION,
    },
    latencies: { ...sources.latencies.report() },
    problems,
  };
}

function hasModule(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}
