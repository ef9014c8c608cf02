import { AgentError } from "../errors/agent-error.ts";
import type { Interrupts } from "./context.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Installs the handlers of the process. A second signal while the first is being obeyed ends the process at once. */
export function installInterrupts(process_: NodeJS.Process): Interrupts {
  const controller = new AbortController();
  let taker: ((signal: NodeJS.Signals) => void) | undefined;
  for (const name of SIGNALS)
    process_.on(name, () => {
      if (taker) {
        taker(name);
        return;
      }
      if (controller.signal.aborted) {
        // Default action: the user has asked twice.
        process_.removeAllListeners(name);
        process_.kill(process_.pid, name);
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
