// `node test/bench/events.ts`: 100 readers of the daemon's event stream at 1000 events a second, and the filters alone.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { compileFilters } from "../../agent/filters/evaluate.ts";
import { eventAdaptor } from "../../agent/filters/event-fields.ts";
import { parseFilters } from "../../agent/filters/parse.ts";

const READERS = 100;
const RATE = 1000;
const SECONDS = 8;

/** Prints latency, what arrived, and what it costs the daemon. */
async function benchEvents(): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "events-server.ts"), String(RATE)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const socket = String((await lines.next()).value);
  const stop = new AbortController();
  const latencies: number[] = [];
  let [received, dropped, measuring] = [0, 0, false];
  const read = async (i: number): Promise<void> => {
    const call = request({ socketPath: socket, path: "/v1/events", signal: stop.signal });
    call.end();
    const [response] = (await once(call, "response")) as [IncomingMessage];
    for await (const line of createInterface({ input: response })) {
      if (!measuring || line === "") continue;
      received++;
      // Reading a tenth of them in full keeps the readers, who share one core, from being what is measured.
      if (i % 10 !== 0) continue;
      const envelope = JSON.parse(line) as { topic: string; timestamp: string; event: { count?: number } };
      if (envelope.topic === "/agent/dropped") dropped += envelope.event.count ?? 0;
      latencies.push(Date.now() - Date.parse(envelope.timestamp));
    }
  };
  const readers = Array.from({ length: READERS }, (_, i) => read(i).catch(() => undefined));
  await sleep(2000);
  measuring = true;
  child.stdin.write("\n");
  await sleep(SECONDS * 1000);
  measuring = false;
  child.stdin.write("\n");
  const costs = JSON.parse(String((await lines.next()).value)) as { published: number; cores: number; rssMiB: number };
  stop.abort();
  await Promise.all(readers);
  if (child.exitCode === null) await once(child, "exit");
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? NaN;
  process.stdout.write(
    `\n${READERS} readers of the event stream at ${RATE} events/s, ${SECONDS} s (readers in one process on the same machine)\n` +
      `  published ${costs.published.toFixed(0)}/s, received ${(received / SECONDS / READERS).toFixed(0)}/s each, dropped ${dropped}\n` +
      `  latency p50 ${at(0.5)} ms, p99 ${at(0.99)} ms; daemon ${costs.cores.toFixed(2)} cores, ${costs.rssMiB.toFixed(0)} MiB\n`,
  );
  benchFilters();
}

function benchFilters(): void {
  const matches = compileFilters(parseFilters(['topic=="/tasks/start",event.labels.app==web']), eventAdaptor);
  const labels = { app: "web" };
  const events = [
    { namespace: "d", topic: "/tasks/start", type: "TaskStart", event: { container_id: "x", pid: 3 } },
    { namespace: "d", topic: "/containers/update", type: "ContainerUpdate", event: { id: "x", labels } },
    { namespace: "d", topic: "/tasks/start", type: "ContainerUpdate", event: { id: "x", labels } },
  ] as const;
  let matched = 0;
  const rounds = 3_000_000;
  const started = performance.now();
  for (let i = 0; i < rounds; i++) if (matches(events[i % 3] ?? events[0])) matched++;
  const seconds = (performance.now() - started) / 1000;
  process.stdout.write(
    `\nfilter topic=="/tasks/start",event.labels.app==web: ${(rounds / seconds / 1e6).toFixed(1)} million matches/s (${matched} of ${rounds} held)\n`,
  );
}

await benchEvents();
