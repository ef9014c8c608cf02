// Sizes a spec may leave to the node.
import { AgentError } from "../errors/agent-error.ts";
import { formatBytes, GIB, MIB, parseByteSize } from "../util/units.ts";
import type { ContainerSpec } from "./container-spec.ts";
import { parseLogSize } from "./fields.ts";
import { choosePackage, PACKAGE_LABEL, packageShares, type Package } from "./packages.ts";
import type { ResolveContext } from "./resolve.ts";
import type { FieldOrigin, FieldOrigins, ResolvedContainer } from "./resolved.ts";

/** vmadm refuses less. */
const SWAP_FLOOR = 256 * MIB;

type Limits = Pick<
  ResolvedContainer,
  | "package"
  | "memoryBytes"
  | "swapBytes"
  | "lockedBytes"
  | "tmpfsBytes"
  | "cpus"
  | "cpuShares"
  | "zoneShares"
  | "maxLwps"
  | "ioPriority"
  | "diskBytes"
>;

/** What a container may use: the spec's own values, else its package's, else the node's defaults. */
export function resolveLimits(context: ResolveContext): { readonly limits: Limits; readonly origins: FieldOrigins } {
  const { spec, node } = context;
  const chosen = resolvePackage(context);
  const memoryBytes =
    spec.memory ?? mebibytes(chosen?.max_physical_memory) ?? nodeSize(node.defaults.memory, "memory", parseByteSize);
  const swap = resolveSwap(context, memoryBytes, chosen);
  const cpus = spec.cpus ?? (chosen?.cpu_cap === undefined ? undefined : chosen.cpu_cap / 100);
  const zoneShares = spec.cpuShares === undefined && chosen !== undefined ? packageShares(chosen) : undefined;
  const ioPriority = spec.ioPriority ?? chosen?.zfs_io_priority;

  const nodeDefault = (key: string): FieldOrigin => ({ from: "node", why: `defaults.${key}` });
  const fixed = (why: string): FieldOrigin => ({ from: "derived", why });
  const origin = (key: keyof typeof spec, property: keyof Package, otherwise: FieldOrigin): FieldOrigin => {
    if (spec[key] !== undefined) return context.fromSpec(key);
    return chosen?.[property] === undefined ? otherwise : { from: "package", why: `${chosen.name} (${property})` };
  };
  const own = (key: keyof typeof spec, otherwise: string): FieldOrigin =>
    spec[key] === undefined ? fixed(otherwise) : context.fromSpec(key);
  return {
    limits: {
      ...(chosen === undefined ? {} : { package: chosen.uuid }),
      memoryBytes,
      swapBytes: swap.bytes,
      lockedBytes: withinMemory(context, "lockedMemory", spec.lockedMemory ?? memoryBytes, memoryBytes),
      tmpfsBytes: withinMemory(context, "tmpfs", spec.tmpfs === true ? memoryBytes : (spec.tmpfs ?? 0), memoryBytes),
      ...(cpus === undefined ? {} : { cpus }),
      ...(spec.cpuShares === undefined ? {} : { cpuShares: spec.cpuShares }),
      ...(zoneShares === undefined ? {} : { zoneShares }),
      maxLwps: spec.pids ?? chosen?.max_lwps ?? node.defaults.maxLwps,
      ...(ioPriority === undefined ? {} : { ioPriority }),
      diskBytes: spec.disk ?? mebibytes(chosen?.quota) ?? node.defaults.quotaGiB * GIB,
    },
    origins: {
      package: context.fromSpec(spec.package === undefined ? "labels" : "package"),
      memoryBytes: origin("memory", "max_physical_memory", nodeDefault("memory")),
      swapBytes: swap.origin,
      lockedBytes: own("lockedMemory", "the same as the memory"),
      tmpfsBytes: own("tmpfs", "/tmp is a directory within the quota"),
      cpus: origin("cpus", "cpu_cap", fixed("no cap")),
      cpuShares: origin("cpuShares", "fss", fixed("normal weight")),
      zoneShares: origin("cpuShares", "fss", fixed("normal weight")),
      maxLwps: origin("pids", "max_lwps", nodeDefault("maxLwps")),
      ioPriority: origin("ioPriority", "zfs_io_priority", fixed("normal priority")),
      diskBytes: origin("disk", "quota", nodeDefault("quotaGiB")),
    },
  };
}

/** Memory plus swap: the package's, else twice the memory, unless told; at least the memory and what vmadm takes. */
function resolveSwap(
  context: ResolveContext,
  memoryBytes: number,
  chosen: Package | undefined,
): { readonly bytes: number; readonly origin: FieldOrigin } {
  const swap = context.spec.memorySwap;
  if (swap === -1) context.warn(["memorySwap"], "unlimited swap does not exist in a zone; twice the memory is used");
  if (swap !== undefined && swap > 0 && swap < memoryBytes)
    context.complain(["memorySwap"], "is memory plus swap and so must not be less than the memory");
  if (swap !== undefined && swap > 0)
    return { bytes: Math.max(swap, SWAP_FLOOR), origin: context.fromSpec("memorySwap") };
  const packaged = mebibytes(chosen?.max_swap);
  if (swap === undefined && chosen !== undefined && packaged !== undefined && packaged >= memoryBytes)
    return {
      bytes: Math.max(packaged, SWAP_FLOOR),
      origin: { from: "package", why: `${chosen.name} (max_swap)` },
    };
  return {
    bytes: Math.max(2 * memoryBytes, SWAP_FLOOR),
    origin: { from: "derived", why: "2 × memory, at least 256 MiB" },
  };
}

/** The package named by `package`, or by Triton's label. */
function resolvePackage(context: ResolveContext): Package | undefined {
  const { spec, node } = context;
  const label = spec.labels?.[PACKAGE_LABEL];
  const word = spec.package ?? label;
  if (word === undefined) return undefined;
  const path = spec.package === undefined ? ["labels", PACKAGE_LABEL] : ["package"];
  const choice = choosePackage(node.packages, word);
  if (!choice.ok) {
    context.complain(path, choice.message);
    return undefined;
  }
  if (label !== undefined && label !== word) {
    const other = choosePackage(node.packages, label);
    if (!other.ok || other.package !== choice.package)
      context.complain(["labels", PACKAGE_LABEL], `names another package than "package" (${JSON.stringify(word)})`);
  }
  return choice.package;
}

function withinMemory(context: ResolveContext, key: "lockedMemory" | "tmpfs", bytes: number, memory: number): number {
  if (bytes > memory) context.complain([key], `must not be more than the memory (${formatBytes(memory)})`);
  return bytes;
}

function mebibytes(value: number | undefined): number | undefined {
  return value === undefined ? undefined : value * MIB;
}

/** `log.maxSize`, else Docker's `max-size` option, else the node's default. */
export function resolveLogSize(context: ResolveContext): { bytes: number; origin: FieldOrigin } {
  const { spec, node } = context;
  const option = spec.log?.options["max-size"];
  const given = spec.log?.maxSize ?? (option === undefined ? undefined : parseLogSize(option));
  if (given !== undefined && given < MIB)
    context.warn(["log"], "the platform rotates a log at 1 MiB at the earliest; a smaller size is raised to that");
  if (spec.log?.maxSize !== undefined) return { bytes: spec.log.maxSize, origin: context.fromSpec("log") };
  const bytes = option === undefined ? undefined : parseLogSize(option);
  if (bytes !== undefined) return { bytes, origin: context.fromSpec("log") };
  return {
    bytes: nodeSize(node.defaults.logMaxSize, "logMaxSize", parseLogSize),
    origin: { from: "node", why: "defaults.logMaxSize" },
  };
}

/** Docker's options of a log: `log.maxFile` is `max-file`, and wins over it. */
export function logOptionsOf(log: NonNullable<ContainerSpec["log"]>): Readonly<Record<string, string>> {
  return log.maxFile === undefined ? log.options : { ...log.options, "max-file": String(log.maxFile) };
}

function nodeSize(text: string, key: string, parse: (text: string) => number | undefined): number {
  const value = parse(text);
  if (value !== undefined) return value;
  throw new AgentError("CONFIG_INVALID", `the configuration's defaults.${key} is not a size: ${JSON.stringify(text)}`);
}
