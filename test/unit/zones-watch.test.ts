// A watch that never gets its first picture: nobody may hang on it.
import { expect, test } from "vitest";
import type { VmEvent } from "../../agent/vmadm/schema.ts";
import { watchZones } from "../../agent/zones/watch.ts";

/** vmadm whose events never come, as with vminfod down; tells whether its stream was ended. */
function silentVmadm() {
  const seen = { ended: false };
  async function* events(options?: { readonly signal?: AbortSignal }): AsyncGenerator<VmEvent> {
    await new Promise<void>((resolve) => options?.signal?.addEventListener("abort", () => resolve()));
    seen.ended = true;
    yield* [];
  }
  return { seen, events };
}

test("a Ctrl-C before the first picture ends it", async () => {
  const vmadm = silentVmadm();
  const interrupt = new AbortController();
  const watch = watchZones(vmadm, { readySignal: interrupt.signal });
  interrupt.abort(new Error("cancelled by SIGINT"));
  await expect(watch).rejects.toThrow("cancelled by SIGINT");
  await expect.poll(() => vmadm.seen.ended).toBe(true);
});

test("a node that tells nothing is said to be unavailable", async () => {
  const vmadm = silentVmadm();
  await expect(watchZones(vmadm, { readyMs: 5 })).rejects.toMatchObject({ code: "VMINFOD_UNAVAILABLE" });
  await expect.poll(() => vmadm.seen.ended).toBe(true);
});
