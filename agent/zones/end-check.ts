// Has a container ended for good? Asked by whoever follows its log, without a process of its own that would outlive it:
// a killed follower must leave nothing behind. The log tells when to look, vmadm what is so.
import type { Vmadm } from "../vmadm/client.ts";
import type { ZoneUuid } from "../util/ids.ts";
import { hasEnded } from "./observe.ts";

/** A silent container: a log without marks (older platforms), or a deleted zone. */
const SILENT_MS = 5_000;
/** After the log's `close` the state follows within moments, or a restart by policy after its delay. */
const FIRST_MS = 100;

/**
 * A question to be asked as often as one likes: vmadm is called at once when `closed` has become true, then ever more
 * rarely. A zone that is gone has ended. Rejects as `vmadm.get` does.
 */
export function createEndCheck(
  vmadm: Pick<Vmadm, "get">,
  zone: ZoneUuid,
  signal?: AbortSignal,
): (closed: boolean) => Promise<boolean> {
  let answer = false;
  let wasClosed = false;
  let delayMs = FIRST_MS;
  let nextMs = -Infinity;
  return async (closed) => {
    if (closed && !wasClosed) {
      delayMs = FIRST_MS;
      nextMs = -Infinity;
    }
    wasClosed = closed;
    if (performance.now() < nextMs) return answer;
    const vm = await vmadm.get(zone, signal ? { signal } : {});
    answer = vm === undefined || hasEnded(vm);
    nextMs = performance.now() + (closed ? delayMs : SILENT_MS);
    delayMs = Math.min(delayMs * 2, SILENT_MS);
    return answer;
  };
}
