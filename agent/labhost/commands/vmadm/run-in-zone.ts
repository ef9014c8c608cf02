import { spawn } from "node:child_process";
import type { Lab } from "../../lab.ts";

/** `zlogin <zone> command…` by the lab's own executable; resolves to its exit status, or null when a signal ended it. */
export function runInZone(lab: Lab, uuid: string, command: readonly string[]): Promise<number | null> {
  return new Promise((resolve) => {
    const child = spawn(lab.path("/bin/zlogin"), [uuid, ...command], { stdio: "ignore" });
    child.once("error", () => resolve(null));
    child.once("exit", (code) => resolve(code));
  });
}
