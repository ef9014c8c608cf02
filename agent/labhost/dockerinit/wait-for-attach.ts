// dockerinit's wait for a client (dockerinit.md 4.9): it polls the key until somebody removes it.
import { setTimeout as sleep } from "node:timers/promises";
import type { Lab } from "../lab.ts";
import { loadVm } from "../zone-store.ts";
import { DockerinitFatal } from "./fatal.ts";
import { zoneMetadata } from "./metadata.ts";

const POLL_MS = 200;

/** `value` is the key's first reading. Rejects with DockerinitFatal 43, 45, or the signal's reason. */
export async function waitForAttach(
  lab: Lab,
  uuid: string,
  value: string,
  { log, signal }: { log: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  let current: string | undefined = value;
  for (let loop = 1; current !== undefined; loop++) {
    const until = /^\s*[+-]?\d+/.test(current) ? parseInt(current, 10) : 0;
    if (until <= 0) throw new DockerinitFatal(43, "Invalid value for 'docker:wait_for_attach'");
    if (loop === 1) log(`MDATA PUT __dockerinit_waiting_for_attach=${current}`);
    const now = Date.now();
    if (until < now) throw new DockerinitFatal(45, "Timed out waiting for attach");
    if (loop === 1 || loop % 5 === 0) log(`INFO Waiting until ${until} for attach, currently: ${now}`);
    await sleep(POLL_MS, undefined, { signal });
    const vm = loadVm(lab, uuid);
    current = vm && zoneMetadata(vm).get("docker:wait_for_attach");
  }
  log("MDATA DELETE __dockerinit_waiting_for_attach");
}
