import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { withLock } from "../../util/lock.ts";
import type { Lab } from "../lab.ts";

/** Every boot gets a new zone id, as in the kernel; 0 is the global zone. */
export async function nextZoneid(lab: Lab): Promise<number> {
  return withLock(lab.own("locks/zoneid"), () => {
    const file = lab.own("runtime/zoneid");
    mkdirSync(lab.own("runtime"), { recursive: true, mode: 0o700 });
    const next = readCounter(file) + 1;
    writeFileSync(file, String(next));
    return Promise.resolve(next);
  });
}

function readCounter(file: string): number {
  try {
    return Number(readFileSync(file, "utf8"));
  } catch {
    return 0;
  }
}
