// Sizes a spec may leave to the node.
import { AgentError } from "../errors/agent-error.ts";
import { MIB, parseByteSize } from "../util/units.ts";
import { parseLogSize } from "./fields.ts";
import type { ResolveContext } from "./resolve.ts";
import type { FieldOrigin } from "./resolved.ts";

/** vmadm refuses less. */
const SWAP_FLOOR = 256 * MIB;

/** Memory, and memory plus swap: twice the memory unless told, at least what vmadm takes. */
export function resolveLimits(context: ResolveContext): { memoryBytes: number; swapBytes: number } {
  const { spec, node } = context;
  const memoryBytes = spec.memory ?? nodeSize(node.defaults.memory, "memory", parseByteSize);
  const swap = spec.memorySwap;
  if (swap === -1) context.warn(["memorySwap"], "unlimited swap does not exist in a zone; twice the memory is used");
  if (swap !== undefined && swap > 0 && swap < memoryBytes)
    context.complain(["memorySwap"], "is memory plus swap and so must not be less than the memory");
  const swapBytes = swap === undefined || swap <= 0 ? 2 * memoryBytes : swap;
  return { memoryBytes, swapBytes: Math.max(swapBytes, SWAP_FLOOR) };
}

/** `log.maxSize`, else Docker's `max-size` option, else the node's default. */
export function resolveLogSize(context: ResolveContext): { bytes: number; origin: FieldOrigin } {
  const { spec, node } = context;
  const option = spec.log?.options["max-size"];
  if (spec.log?.maxSize !== undefined) return { bytes: spec.log.maxSize, origin: context.fromSpec("log") };
  const bytes = option === undefined ? undefined : parseLogSize(option);
  if (bytes !== undefined) return { bytes, origin: context.fromSpec("log") };
  return {
    bytes: nodeSize(node.defaults.logMaxSize, "logMaxSize", parseLogSize),
    origin: { from: "node", why: "defaults.logMaxSize" },
  };
}

function nodeSize(text: string, key: string, parse: (text: string) => number | undefined): number {
  const value = parse(text);
  if (value !== undefined) return value;
  throw new AgentError("CONFIG_INVALID", `the configuration's defaults.${key} is not a size: ${JSON.stringify(text)}`);
}
