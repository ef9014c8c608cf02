import { readFileSync } from "node:fs";

/** A process that can be recognised later although pids are used again. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Start time in clock ticks since boot, where the machine tells it (Linux); otherwise the pid alone has to do. */
  readonly start?: string | undefined;
}

export function processIdentity(pid: number): ProcessIdentity {
  const start = startTime(pid);
  return start === undefined ? { pid } : { pid, start };
}

/** True while that very process exists. A zombie counts as gone. */
export function isAlive(process_: ProcessIdentity): boolean {
  try {
    process.kill(process_.pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
  const start = startTime(process_.pid);
  return process_.start === undefined || start === undefined ? true : start === process_.start;
}

function startTime(pid: number): string | undefined {
  try {
    // The command name (field 2) is in parentheses and may itself contain blanks and parentheses.
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return fields[0] === "Z" ? "zombie" : fields[19];
  } catch {
    return undefined;
  }
}
