// One side of the events bench: the daemon's own feed, history and socket, over a platform that changes a zone at a fixed
// rate. Prints its costs when its stdin ends.
import { once } from "node:events";
import { tmpdir } from "node:os";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createEvents } from "../../agent/events/events.ts";
import { serve } from "../../agent/daemon/server.ts";
import { hostPaths } from "../../agent/host/paths.ts";
import { createLogger } from "../../agent/log/logger.ts";
import { LatencyTable } from "../../agent/util/latency-table.ts";
import { shareEvents } from "../../agent/vmadm/shared-events.ts";
import type { VmEvent } from "../../agent/vmadm/schema.ts";
import { aVm } from "../support/builders.ts";

const rate = Number(process.argv[2] ?? 1000);
const root = mkdtempSync(join(tmpdir(), "zl-bench-"));
const log = createLogger({ level: "error", destination: process.stderr });
const paths = hostPaths(root);
const stop = new AbortController();

/** Batches of ten milliseconds; each change is one event (a new limit: /containers/update). */
async function* platform(options?: { readonly signal?: AbortSignal }): AsyncGenerator<VmEvent> {
  const ours = { "zonelet:version": "1" };
  const vm = aVm({ internal_metadata: ours });
  yield { type: "ready", date: "", uuid: "", vms: { [vm.uuid]: vm } };
  const begin = performance.now();
  for (let n = 1; !options?.signal?.aborted; n++) {
    const due = begin + (n * 1000) / rate;
    if (due - performance.now() > 1) await sleep(due - performance.now());
    const changed = aVm({ internal_metadata: ours, cpu_cap: n });
    yield { type: "modify", date: "", zonename: vm.uuid, uuid: vm.uuid, vm: changed, changes: [] };
  }
}

const notPartOfThis = (): Promise<never> => Promise.reject(new Error("not part of the bench"));
const zones = shareEvents({ events: platform }, stop.signal);
const stream = await createEvents({ vmadm: zones, paths, log }).follow(stop.signal);
const server = await serve({
  socket: join(root, "s"),
  zones,
  events: stream,
  log,
  signal: stop.signal,
  latencies: new LatencyTable(),
  info: notPartOfThis,
  status: notPartOfThis,
});
process.stdout.write(`${join(root, "s")}\n`);
await once(process.stdin, "data");
const cpu = process.cpuUsage();
const started = performance.now();
const from = stream.bus.lastNumber;
await once(process.stdin, "data");
const used = process.cpuUsage(cpu);
const seconds = (performance.now() - started) / 1000;
process.stdout.write(
  `${JSON.stringify({ published: (stream.bus.lastNumber - from) / seconds, cores: (used.user + used.system) / 1e6 / seconds, rssMiB: process.memoryUsage().rss / 2 ** 20 })}\n`,
);
stop.abort();
await stream.done;
await server[Symbol.asyncDispose]();
rmSync(root, { recursive: true });
process.exit(0);
