import { isatty } from "node:tty";
import type { Input } from "./context.ts";

/** stdin of the process, opened by node when it is first asked for. */
export function createInput(host: Pick<NodeJS.Process, "stdin" | "once" | "removeListener">): Input {
  return {
    isTerminal: isatty(0),
    get stream() {
      return host.stdin;
    },
    raw: () => {
      const { stdin } = host;
      if (!stdin.isTTY) return () => undefined;
      stdin.setRawMode(true);
      let given = false;
      const giveBack = (): void => {
        if (given) return;
        given = true;
        host.removeListener("exit", giveBack);
        stdin.setRawMode(false);
      };
      // Whatever ends the process, the terminal is the user's again.
      host.once("exit", giveBack);
      return giveBack;
    },
  };
}
