import { isatty } from "node:tty";
import { rawTerminal } from "../exec/terminal-state.ts";
import type { Input } from "./context.ts";

/** stdin of the process, opened by node when it is first asked for. */
export function createInput(host: Pick<NodeJS.Process, "stdin" | "stdout" | "on" | "removeListener">): Input {
  return {
    isTerminal: isatty(0),
    get stream() {
      return host.stdin;
    },
    size: () => ({ columns: host.stdout.columns || 80, rows: host.stdout.rows || 24 }),
    onResize: (changed) => {
      host.on("SIGWINCH", changed);
      return () => void host.removeListener("SIGWINCH", changed);
    },
    raw: () => (isatty(0) ? rawTerminal() : () => undefined),
  };
}
