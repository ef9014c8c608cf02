import { spawn } from "node:child_process";
import { tool, TOOL_ENVIRONMENT } from "./tools.ts";

const DEADLINE_MS = 10_000;

/**
 * Runs a batch of ip(8) commands behind `prefix` (an nsenter); every command is tried. Resolves to the complaints that
 * are not about something existing already.
 */
export function runIpBatch(prefix: readonly string[], batch: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const [program, ...args] = [...prefix, tool("ip"), "-force", "-batch", "-"];
    const child = spawn(program, args, {
      stdio: ["pipe", "ignore", "pipe"],
      env: TOOL_ENVIRONMENT,
      timeout: DEADLINE_MS,
      killSignal: "SIGKILL",
    });
    let complaints = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
    child.once("error", reject);
    child.once("close", () => resolve(parseIpErrors(complaints)));
    child.stdin.on("error", () => undefined);
    child.stdin.end(batch);
  });
}

export function parseIpErrors(text: string): string[] {
  return text.split("\n").filter((line) => line !== "" && !/File exists|^Command failed /.test(line));
}
