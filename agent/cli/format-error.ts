import { fromUnknown, inlineChain } from "../errors/chain.ts";
import { safeText } from "./output.ts";

/** `zonelet: what failed: why`, then what to do about it on a line of its own. Line breaks of the message are kept. */
export function formatError(error: unknown): string {
  const e = fromUnknown(error);
  const message = inlineChain(e).split("\n").map(safeText).join("\n");
  return `zonelet: ${message}${e.hint === undefined ? "" : `\n  ${safeText(e.hint)}`}`;
}
