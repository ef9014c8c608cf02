// Everything around a container's standard streams: FIFOs or a terminal, the log, whoever is attached.
import { execFile } from "node:child_process";
import { rmSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { StdioLog } from "./stdio-log.ts";
import { FIFO_NAMES, openStreams, readOutput, type OutputStream } from "./streams.ts";
import { openTerminal, type Terminal } from "./terminal.ts";
import { tool, TOOL_ENVIRONMENT } from "./tools.ts";

const DRAIN_DEADLINE_MS = 5000;

export interface ZoneStdioOptions {
  readonly scratch: string;
  /** Undefined in log modes without g. */
  readonly log: StdioLog | undefined;
  readonly tty: boolean;
  readonly openStdin: boolean;
  /** A copy of the output for whoever is attached. */
  readonly onOutput: (stream: OutputStream, chunk: Buffer) => void;
}

type AppEnds = readonly [stdin: number | "ignore", stdout: number, stderr: number];

export class ZoneStdio {
  readonly #log: StdioLog | undefined;
  readonly #onOutput: ZoneStdioOptions["onOutput"];
  #terminal: Terminal | undefined;
  #stdin: Socket | undefined;
  #outputs: { readonly ended: Promise<void>; destroy(): void }[] = [];
  /** For the app; `closeAppEnds` when it has them. */
  #appEnds: AppEnds | undefined;
  #closeAppEnds: () => void = () => undefined;

  private constructor({ log, onOutput }: ZoneStdioOptions) {
    this.#log = log;
    this.#onOutput = onOutput;
  }

  static async open(options: ZoneStdioOptions): Promise<ZoneStdio> {
    const stdio = new ZoneStdio(options);
    try {
      await (options.tty ? stdio.#openTerminal(options) : stdio.#openFifos(options));
      return stdio;
    } catch (error) {
      stdio.destroy();
      throw error;
    }
  }

  get appEnds(): AppEnds {
    if (!this.#appEnds) throw new Error("the app has its streams already");
    return this.#appEnds;
  }

  closeAppEnds(): void {
    this.#closeAppEnds();
    this.#appEnds = undefined;
    this.#closeAppEnds = () => undefined;
  }

  /** Slave side of the terminal, if there is one. */
  get terminalDevice(): string | undefined {
    return this.#terminal?.device;
  }

  /** Resolves when all that the container wrote has been handed on; nothing can write any more. */
  async drain(): Promise<void> {
    this.#terminal?.close();
    const outputs = Promise.all(this.#outputs.map(({ ended }) => ended));
    await Promise.race([outputs, sleep(DRAIN_DEADLINE_MS, undefined, { ref: false })]);
    this.destroy();
  }

  destroy(): void {
    this.closeAppEnds();
    this.#terminal?.close();
    this.#stdin?.destroy();
    for (const output of this.#outputs) output.destroy();
  }

  /** Input for the container; without `docker:open_stdin` it is dropped. */
  write(chunk: Buffer): void {
    (this.#terminal?.input ?? this.#stdin)?.write(chunk);
  }

  /** Without a terminal stdin ends after what is pending; a terminal hangs up. */
  hangUp(): void {
    if (this.#terminal) this.#terminal.hangUp();
    else this.#stdin?.end();
  }

  async resize(rows: number, columns: number): Promise<void> {
    await this.#terminal?.resize(rows, columns);
  }

  async #openTerminal({ openStdin }: ZoneStdioOptions): Promise<void> {
    const terminal = await openTerminal((chunk) => this.#output("stdout", chunk));
    this.#terminal = openStdin ? terminal : { ...terminal, input: discard };
    this.#outputs.push({ ended: terminal.ended, destroy: () => terminal.close() });
    this.#appEnds = terminal.appEnds();
    this.#closeAppEnds = () => terminal.closeAppEnds();
  }

  async #openFifos({ scratch, openStdin }: ZoneStdioOptions): Promise<void> {
    const paths = FIFO_NAMES.map((name) => join(scratch, name));
    for (const path of paths) rmSync(path, { force: true });
    // Writable for everybody: an app without privileges opens /dev/stdout anew.
    await promisify(execFile)(tool("mkfifo"), ["-m", "0666", "--", ...paths], { env: TOOL_ENVIRONMENT });
    const ends = openStreams(scratch, openStdin);
    if (ends.stdin !== undefined) {
      this.#stdin = new Socket({ fd: ends.stdin, readable: false, writable: true });
      this.#stdin.on("error", () => undefined); // the app has closed its stdin
    }
    this.#outputs.push(readOutput(ends.stdout, (chunk) => this.#output("stdout", chunk)));
    this.#outputs.push(readOutput(ends.stderr, (chunk) => this.#output("stderr", chunk)));
    this.#appEnds = ends.app;
    this.#closeAppEnds = () => ends.closeAppEnds();
  }

  #output(stream: OutputStream, chunk: Buffer): void {
    this.#log?.write(stream, chunk);
    this.#onOutput(stream, chunk);
  }
}

/** Input nobody reads (dockerinit.md 4.7: a terminal without `docker:open_stdin`). */
const discard = { write: (): boolean => true };
