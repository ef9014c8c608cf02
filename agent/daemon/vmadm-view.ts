// Reading the zones through the daemon where there is one: no host command is started then. For verbs that only look;
// whoever changes something asks the platform itself.
import { hasCode } from "../errors/agent-error.ts";
import type { Vmadm } from "../vmadm/client.ts";
import type { DaemonClient } from "./client.ts";

/** `vmadm` with its reading calls answered by the daemon, and by vmadm itself where no daemon answers. */
export function createVmadmView(vmadm: Vmadm, daemon: DaemonClient): Vmadm {
  async function orElse<T>(ask: () => Promise<T>, fallback: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      // Not there, or not ready: the platform can be asked all the same.
      if (!hasCode(error, "DAEMON_UNREACHABLE", "VMINFOD_UNAVAILABLE")) throw error;
      return fallback();
    }
  }

  return {
    ...vmadm,
    get: (zone, options = {}) =>
      orElse(
        async () => (await daemon.zones(options.signal)).find((vm) => vm.uuid === zone),
        () => vmadm.get(zone, options),
      ),
    lookup: (filters = {}, options = {}) =>
      Object.keys(filters).length > 0
        ? vmadm.lookup(filters, options)
        : orElse(
            () => daemon.zones(options.signal),
            () => vmadm.lookup(filters, options),
          ),
    events: async function* (options = {}) {
      const { zone, signal } = options;
      try {
        for await (const event of daemon.zoneEvents(signal)) {
          if (zone === undefined || event.type === "ready" || event.uuid === zone) yield event;
        }
      } catch (error) {
        if (!hasCode(error, "DAEMON_UNREACHABLE", "VMINFOD_UNAVAILABLE")) throw error;
      }
      // It was never there, or has gone: a new picture from the platform tells what the gap hid.
      if (!signal?.aborted) yield* vmadm.events(options);
    },
  };
}
