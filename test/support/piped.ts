import { spawn } from "node:child_process";
import { eventually } from "./eventually.ts";
import { ZONELET, type TestLab } from "./lab.ts";

/** The program with a stdin that the test writes to. */
export function piped(lab: TestLab, ...args: string[]) {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ZONELET, ...args], {
    env: lab.environment,
    stdio: ["pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  const status = new Promise<number | null>((resolve) => child.on("close", resolve));
  return {
    child,
    status,
    said: () => stdout,
    complained: () => stderr,
    shows: (text: string) => eventually(() => stdout.includes(text), { within: 15_000, what: `"${text}": ${stdout}` }),
  };
}
