// The frame every emulated command runs in: arguments in, exit status out, its lines in calls.ndjson.
import { isatty } from "node:tty";
import { openLab, recordCall, type Lab } from "./lab.ts";

export interface CommandContext {
  readonly lab: Lab;
  readonly args: readonly string[];
  /** What the program was called as, e.g. `/usr/sbin/vmadm`: usage texts repeat it. */
  readonly invokedAs: string;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** All of stdin. */
  readonly stdin: () => Promise<string>;
  /** A terminal on stdin: commands that want a payload there refuse. */
  readonly stdinIsTerminal?: boolean;
}

/** Resolves to the exit status. An uncaught error aborts the process, as it does on the platform. */
export type EmulatedCommand = (context: CommandContext) => Promise<number>;

export async function runCommand(name: string, command: EmulatedCommand, args: readonly string[]): Promise<number> {
  const lab = openLab();
  const started = performance.now();
  const call = { time: new Date().toISOString(), pid: process.pid, ppid: process.ppid, command: name, args };
  recordCall(lab, { event: "begin", ...call });
  // A reader that went away must not hurt the work: the platform's commands finish it, too.
  process.stdout.on("error", () => undefined);
  process.stderr.on("error", () => undefined);
  const exit = await command({
    lab,
    args,
    invokedAs: name === "imgadm" || name === "vmadm" ? `/usr/sbin/${name}` : name,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stdin: readStdin,
    stdinIsTerminal: isatty(0),
  });
  recordCall(lab, { event: "end", ...call, exit, ms: Math.round(performance.now() - started) });
  return exit;
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
