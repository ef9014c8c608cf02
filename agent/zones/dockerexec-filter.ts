// dockerexec talks before the command does: its log, which shows the container's whole environment, comes over the
// command's stderr (or terminal) and ends with the line EXEC (dockerinit.md 9.2). People see what follows that line.
import { parseBootLog, type BootFailure } from "./boot-log.ts";

export type Prelude =
  | { readonly state: "talking" }
  /** The command runs. */
  | { readonly state: "begun" }
  /** dockerexec gave up; the command never ran. */
  | { readonly state: "failed"; readonly failure: BootFailure };

export interface DockerexecFilter {
  /** Takes what arrived and gives back what is the command's. */
  push(chunk: Buffer): Buffer;
  readonly prelude: Prelude;
  /** What was said before dockerexec's first line: complaints of zlogin, su or the shell. At most 8 KiB. */
  readonly before: string;
}

const LINE = /^\d+-\d+-\d+T\d+:\d+:\d+\.\d+Z (.*)$/;
const MAX_BEFORE = 8 * 1024;
/** A longer line is cut: only its beginning matters, and a variable's value may be megabytes. */
const MAX_LINE = 64 * 1024;

export function dockerexecFilter(): DockerexecFilter {
  let prelude: Prelude = { state: "talking" };
  let pending = Buffer.alloc(0);
  let before = "";
  let seen = false;

  /** Values of variables may hold line ends: once dockerexec has begun, lines without a time go on with such a value. */
  const line = (text: string): void => {
    const words = LINE.exec(text)?.[1];
    if (words === undefined) {
      if (!seen) before = (before + text + "\n").slice(-MAX_BEFORE);
      return;
    }
    seen = true;
    if (words === "EXEC") prelude = { state: "begun" };
    const failure = parseBootLog(text);
    if (failure) prelude = { state: "failed", failure };
  };
  return {
    push: (chunk) => {
      if (prelude.state === "begun") return chunk;
      let rest = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        line(rest.subarray(0, end).toString("utf8").replace(/\r$/, ""));
        rest = rest.subarray(end + 1);
        // `prelude` is set by line()
        if (isBegun(prelude)) {
          pending = Buffer.alloc(0);
          return rest;
        }
      }
      pending = Buffer.from(rest.subarray(0, MAX_LINE));
      return Buffer.alloc(0);
    },
    get prelude() {
      return prelude;
    },
    get before() {
      const last = seen ? "" : pending.toString("utf8");
      return (before + last).trim();
    },
  };
}

function isBegun(prelude: Prelude): boolean {
  return prelude.state === "begun";
}
