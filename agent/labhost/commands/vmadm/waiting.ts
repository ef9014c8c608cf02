// Level-triggered waits: the truth is looked at again until it is as wanted or the deadline has passed.
import { setTimeout as sleep } from "node:timers/promises";

const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 50;

/** True when `reached` became true within `timeoutMs`. */
export async function waitUntil(reached: () => boolean, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs;
  let pause = FIRST_PAUSE_MS;
  while (!reached()) {
    const left = deadline - performance.now();
    if (left <= 0) return false;
    await sleep(Math.min(pause, left));
    pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
  }
  return true;
}
