import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** Waits until `holds` says true, looking every 10 ms. Fails with `what` after `within` milliseconds. */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  { within = 5_000, what }: { readonly within?: number; readonly what: string },
): Promise<void> {
  const deadline = performance.now() + within;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${within} ms: ${what}`);
    await sleep(10);
  }
}

/** True while a process with this pid runs; a zombie whose parent is slow does not count. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}
