// The mount table of this process, and unmounting.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { tool, TOOL_ENVIRONMENT } from "./runtime/tools.ts";

const run = promisify(execFile);

/** How long a supervisor that has already reported its zone's end may take to close its log. */
const IDLE_MS = 1000;
const RETRY_MS = 25;
const UMOUNT_DEADLINE_MS = 60_000;

/** Mount points at or below `path`, in the order of mounting. */
export function mountsWithin(path: string): string[] {
  return readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => (line.split(" ")[4] ?? "").replaceAll(/\\([0-7]{3})/g, decode))
    .filter((target) => target === path || target.startsWith(`${path}/`));
}

/** /proc writes blanks as octal. */
function decode(_: string, digits: string): string {
  return String.fromCharCode(parseInt(digits, 8));
}

/** Rejects with umount's own words; what is busy gets a second to become idle. */
export async function unmount(path: string): Promise<void> {
  const deadline = performance.now() + IDLE_MS;
  for (;;) {
    const complaint = await tryUnmount(path);
    if (complaint === undefined) return;
    if (!complaint.includes("busy") || performance.now() > deadline) throw new Error(complaint);
    await sleep(RETRY_MS);
  }
}

async function tryUnmount(path: string): Promise<string | undefined> {
  try {
    // Not from the caller's directory, which may be the one in question.
    await run(tool("umount"), ["--", path], { cwd: "/", env: TOOL_ENVIRONMENT, timeout: UMOUNT_DEADLINE_MS });
    return undefined;
  } catch (error) {
    const { stderr } = error as { stderr?: string };
    return stderr === undefined || stderr === "" ? String(error) : stderr.trim();
  }
}
