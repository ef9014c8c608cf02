// How fast the head nodes' create requests become payloads of vmadm: all vectors that succeed, one core, in this process.
// The peer is what no translation can do without: the request read from text, and a payload written as text.
import { vectorFiles } from "../vectors/files.ts";
import { createRequest } from "../vectors/sdc-create.ts";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { translateToVmadm } from "../../agent/sdc-docker/vmadm-payload.ts";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const BATCH = 500;
const ROUNDS = 9;
const NICS = [{ nic_tag: "external", ips: ["203.0.113.10/26"], primary: true, resolvers: ["8.8.8.8"] }];

/** Microseconds a call takes, the fastest of several batches. */
function microseconds(work: () => unknown): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    for (let i = 0; i < BATCH; i++) work();
    best = Math.min(best, ((performance.now() - started) * 1000) / BATCH);
  }
  return best;
}

/** Prints the median vector, the slowest, and the peer beside them. */
function benchSdcCreate(): void {
  const vector = z.looseObject({ kind: z.string(), input: z.unknown(), expected: z.unknown().optional() });
  const rows = vectorFiles(join(import.meta.dirname, "../fixtures/docker-create")).flatMap((path) => {
    const { kind, input, expected } = vector.parse(JSON.parse(readFileSync(path, "utf8")));
    if (kind !== "create" || expected === undefined) return [];
    const { body, context } = createRequest(input);
    const text = JSON.stringify(body);
    // Uuids are not what is measured.
    const whole = (): string =>
      JSON.stringify(translateToVmadm(JSON.parse(text), { ...context, newUuid: () => UUID }, () => NICS).vmadmPayload);
    try {
      const payload: unknown = JSON.parse(whole());
      const peer = microseconds(() => {
        const request: unknown = JSON.parse(text);
        return [request, JSON.stringify(payload)];
      });
      return [{ path, time: microseconds(whole), peer }];
    } catch (error) {
      // A quirk we refuse.
      if (error instanceof AgentError) return [];
      throw error;
    }
  });
  const sorted = rows.toSorted((a, b) => a.time - b.time);
  const [median, slowest] = [sorted[sorted.length >> 1], sorted.at(-1)];
  process.stdout.write(`\ncreate request (text) → vmadm payload (text), dialect sdc-docker, ${rows.length} vectors\n`);
  for (const [name, row] of [
    ["median", median],
    ["slowest", slowest],
  ] as const)
    // prettier-ignore
    if (row !== undefined)
      process.stdout.write(
        `  ${name.padEnd(8)} ${row.time.toFixed(1)} µs, ${Math.round(1e6 / row.time)}/s  ${(row.time / row.peer).toFixed(1)} × JSON.parse + JSON.stringify (${row.peer.toFixed(1)} µs)\n`,
      );
}

const UUID = "5c3f0a1e-7b52-4d18-9e0c-2f6a8b1d4e70";

benchSdcCreate();
