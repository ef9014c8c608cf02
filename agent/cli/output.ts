// What leaves the program for people (tables) and for programs (`-o json|yaml`).
import { stringify } from "yaml";

export type OutputFormat = "table" | "json" | "yaml";

export interface Output {
  readonly isTerminal: boolean;
  readonly errIsTerminal: boolean;
  readonly color: boolean;
  readonly columns: number;
  /** The reader of stdout went away: what follows is dropped. */
  readonly gone: boolean;
  out(text: string | Uint8Array): Promise<void>;
  err(text: string | Uint8Array): Promise<void>;
  /** Resolves when everything written has left the process: ending it earlier would lose what a slow reader has not taken. */
  flush(): Promise<void>;
}

interface Stream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(chunk: string | Uint8Array, done?: () => void): boolean;
  once(event: "drain" | "error" | "close", listener: () => void): unknown;
  removeListener(event: "drain" | "error" | "close", listener: () => void): unknown;
  readonly writable: boolean;
  readonly writableLength: number;
}

/** Writes wait for a slow reader; a reader that went away (`| head`) is no error, what follows is dropped. */
export function createOutput(stdout: Stream, stderr: Stream, options: { readonly noColor: boolean }): Output {
  const [out, err] = [sink(stdout), sink(stderr)];
  return {
    isTerminal: stdout.isTTY ?? false,
    errIsTerminal: stderr.isTTY ?? false,
    color: (stdout.isTTY ?? false) && !options.noColor,
    columns: stdout.columns ?? 80,
    get gone() {
      return out.gone();
    },
    out: out.write,
    err: err.write,
    flush: async () => {
      await out.flush();
      await err.flush();
    },
  };
}

interface Sink {
  readonly gone: () => boolean;
  readonly write: (chunk: string | Uint8Array) => Promise<void>;
  flush(): Promise<void>;
}

function sink(stream: Stream): Sink {
  // Remembered here: node revives process.stdout after an error, so that it looks writable again.
  let failed = false;
  stream.once("error", () => {
    failed = true;
  });
  const gone = (): boolean => failed || !stream.writable;
  return {
    gone,
    write: async (chunk) => {
      if (gone() || stream.write(chunk)) return;
      await taken(stream, (done) => stream.once("drain", done));
    },
    flush: async () => {
      while (!gone() && stream.writableLength > 0) await taken(stream, (done) => stream.write("", done));
    },
  };
}

/** Waits for what `arm` arranges, or until the reader went away. */
async function taken(stream: Stream, arm: (done: () => void) => void): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const done = (): void => {
    resolve(undefined);
  };
  stream.once("error", done);
  stream.once("close", done);
  arm(done);
  await promise;
  for (const event of ["drain", "error", "close"] as const) stream.removeListener(event, done);
}

/** A table with two blanks between columns and no trailing ones. Cells come from tenants: control characters are shown, not obeyed. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows.map((row) => row.map(safeText))];
  const widths = header.map((_, column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** Text of a tenant or a registry, safe for a terminal: control characters become visible escapes. */
export function safeText(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (c) => `\\u${(c.codePointAt(0) ?? 0).toString(16).padStart(4, "0")}`,
  );
}

export function formatData(value: unknown, format: "json" | "yaml"): string {
  return format === "json" ? `${JSON.stringify(value, null, 2)}\n` : stringify(value, { aliasDuplicateObjects: false });
}

/** `5 seconds`, `3 minutes`, `2 hours`, `4 days`: the largest whole unit, as `docker ps` writes it. */
export function humanAge(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const steps: readonly (readonly [number, string])[] = [
    [86_400, "day"],
    [3_600, "hour"],
    [60, "minute"],
    [1, "second"],
  ];
  for (const [length, unit] of steps) {
    const count = Math.floor(seconds / length);
    if (count >= 1) return `${count} ${unit}${count === 1 ? "" : "s"}`;
  }
  return "less than a second";
}
