// The built program on a pseudo terminal, typed to and read as a person would.
import { spawn, type IPty } from "node-pty";
import { eventually } from "./eventually.ts";
import { ZONELET, type TestLab } from "./lab.ts";

export class PtySession {
  output = "";
  exitCode: number | undefined;
  readonly pty: IPty;

  constructor(lab: TestLab, args: readonly string[], size: { readonly cols: number; readonly rows: number }) {
    this.pty = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ZONELET, ...args], {
      ...size,
      name: "xterm",
      cwd: lab.work,
      env: lab.environment,
    });
    this.pty.onData((data) => (this.output += data));
    this.pty.onExit(({ exitCode }) => (this.exitCode = exitCode));
  }

  static open(lab: TestLab, ...args: readonly string[]): PtySession {
    return new PtySession(lab, args, { cols: 80, rows: 24 });
  }

  type(text: string): void {
    this.pty.write(text);
  }

  /** Waits until `text` has been shown since the last call, and forgets what came before it. */
  async shows(text: string | RegExp): Promise<string> {
    let found = "";
    const look = (): boolean => {
      const at = typeof text === "string" ? this.output.indexOf(text) : this.output.search(text);
      if (at < 0) return false;
      const length = typeof text === "string" ? text.length : (text.exec(this.output)?.[0].length ?? 0);
      found = this.output.slice(at, at + length);
      this.output = this.output.slice(at + length);
      return true;
    };
    await eventually(look, { within: 15_000, what: `the terminal shows ${String(text)}: ${this.output}` });
    return found;
  }

  async ended(): Promise<number> {
    await eventually(() => this.exitCode !== undefined, { within: 15_000, what: `the program ends: ${this.output}` });
    return this.exitCode ?? -1;
  }
}
