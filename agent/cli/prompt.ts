// Asks a person on the terminal; what is hidden is not echoed.
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { AgentError } from "../errors/agent-error.ts";

export interface PromptOptions {
  readonly hidden: boolean;
}

/** One line from the terminal. USAGE without one, CANCELLED at Ctrl-C or Ctrl-D. */
export async function promptLine(
  stdin: NodeJS.ReadStream,
  stderr: NodeJS.WriteStream,
  question: string,
  { hidden }: PromptOptions,
): Promise<string> {
  if (!stdin.isTTY)
    throw new AgentError("USAGE", "there is no terminal to ask for a login", {
      hint: "use -u NAME --password-stdin",
    });
  stderr.write(question);
  const muted = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: stdin, output: hidden ? muted : stderr, terminal: true, historySize: 0 });
  try {
    return await new Promise<string>((resolve, reject) => {
      const cancel = (): void => reject(new AgentError("CANCELLED", "cancelled"));
      lines.once("line", resolve).once("SIGINT", cancel).once("close", cancel);
    });
  } finally {
    lines.close();
    if (hidden) stderr.write("\n");
  }
}
