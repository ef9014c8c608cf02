import { AgentError } from "../errors/agent-error.ts";
import type { Interrupts } from "./context.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Installs the handlers of the process. A second signal while the first is being obeyed calls `giveUp`, which ends the process. */
export function installInterrupts(
  process_: Pick<NodeJS.Process, "on">,
  giveUp: (signal: NodeJS.Signals) => void,
): Interrupts {
  const controller = new AbortController();
  let taker: ((signal: NodeJS.Signals) => void) | undefined;
  for (const name of SIGNALS)
    process_.on(name, () => {
      if (taker) {
        taker(name);
        return;
      }
      if (controller.signal.aborted) {
        giveUp(name);
        return;
      }
      controller.abort(new AgentError("CANCELLED", `cancelled by ${name}`));
    });
  return {
    signal: controller.signal,
    take: (handler) => {
      taker = handler;
      return () => {
        taker = undefined;
      };
    },
  };
}
