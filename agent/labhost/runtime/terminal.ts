// A pseudo terminal without native code: script(1) makes it and copies its master side to pipes of ours. The program it
// runs only keeps the terminal open; the zone's init gets the slave by name and takes it over as its controlling terminal.
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, constants, openSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { childrenOf } from "./process-identity.ts";
import { READ_SIZE } from "./stdio-record.ts";
import { tool, TOOL_ENVIRONMENT } from "./tools.ts";

export interface Terminal {
  /** Slave side, e.g. `/dev/pts/3`. */
  readonly device: string;
  /** What is typed. */
  readonly input: Pick<Writable, "write">;
  /** Resolves when everything written to the terminal has been handed on. */
  readonly ended: Promise<void>;
  /** The slave for stdin, stdout and stderr. To be closed with `closeAppEnds` once the app has them. */
  appEnds(): readonly [number, number, number];
  closeAppEnds(): void;
  resize(rows: number, columns: number): Promise<void>;
  /**
   * Ends the program that keeps the slave side open; once the app is gone, too, script(1) hands on the rest and ends.
   * Repeating it does nothing.
   */
  close(): void;
  /** Takes the terminal's master away: SIGHUP for its session, errors for later input and output. */
  hangUp(): void;
}

/** Neither outlives the supervisor: no hangup reaches the holder once the app has taken its terminal over. */
const HOLDER = "tty >&3; exec 3>&-; exec setpriv --pdeathsig KILL -- sleep infinity";
const MORTAL = ["--pdeathsig", "KILL", "--"];

/** Size 0x0 until the first resize; echo on, as a terminal is. Output arrives at `onChunk` in chunks of at most 1024 bytes. */
export async function openTerminal(onChunk: (chunk: Buffer) => void): Promise<Terminal> {
  const holder = spawn(
    tool("setpriv"),
    [...MORTAL, tool("script"), "-q", "-f", "-e", "--echo", "always", "-c", HOLDER, "/dev/null"],
    {
      stdio: ["pipe", "pipe", "ignore", "pipe"],
      cwd: "/",
      env: { ...TOOL_ENVIRONMENT, SHELL: tool("sh") },
    },
  );
  const device = await deviceName(holder);
  const output = holder.stdout as Readable;
  output.on("data", (data: Buffer) => {
    for (let at = 0; at < data.length; at += READ_SIZE) onChunk(data.subarray(at, at + READ_SIZE));
  });
  const opened: number[] = [];
  return {
    device,
    input: holder.stdin as Writable,
    ended: new Promise((resolve) => void output.on("close", () => resolve())),
    appEnds() {
      const output = openSync(device, constants.O_RDWR | constants.O_NOCTTY);
      opened.push(output);
      return [output, output, output];
    },
    closeAppEnds: () => {
      for (const fd of opened.splice(0)) closeSync(fd);
    },
    resize: (rows, columns) =>
      new Promise((resolve) => {
        const args = ["-F", device, "rows", String(rows), "columns", String(columns)];
        spawn(tool("stty"), args, { stdio: "ignore", env: TOOL_ENVIRONMENT }).on("close", () => resolve());
      }),
    hangUp: () => void holder.kill("SIGKILL"),
    close: () => {
      for (const pid of childrenOf(holder.pid ?? 0)) process.kill(pid, "SIGKILL");
    },
  };
}

function deviceName(holder: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const lines = createInterface({ input: holder.stdio[3] as Readable });
    lines.once("line", (line) => resolve(line));
    lines.once("close", () => reject(new Error("script(1) made no terminal")));
    holder.once("error", reject);
  });
}
