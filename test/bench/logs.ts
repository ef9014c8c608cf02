// `node test/bench/logs.ts`: decoding a log beside jq, which is what people use on stdio.log by hand.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { escapeChunk, formatData } from "../../agent/labhost/runtime/stdio-record.ts";
import { readLog } from "../../agent/logs/read.ts";

if (process.argv[2] !== undefined) {
  let bytes = 0;
  const started = performance.now();
  for await (const chunk of readLog(process.argv[2])) bytes += chunk.bytes.length;
  process.stdout.write(JSON.stringify({ bytes, ms: performance.now() - started }));
} else {
  const directory = mkdtempSync(join(tmpdir(), "zl-bench-"));
  try {
    const line = "2024-05-14 09:30:12 INFO request served path=/api/v1/things status=200 duration=12ms café\n";
    for (const [title, size] of [
      ["records of 1024 bytes", 1024],
      ["a record for each line", Buffer.byteLength(line)],
    ] as const) {
      const chunk = Buffer.from(line.repeat(12)).subarray(0, size);
      const record = escapeChunk(chunk)
        .map((text) => formatData({ hostname: "cn0", pid: 91102 }, 0, "stdout", text))
        .join("");
      const file = join(directory, "stdio.log");
      writeFileSync(file, record.repeat(Math.ceil((64 * 1024 * 1024) / record.length)));
      const mb = statSync(file).size / 1e6;
      const ours: number[] = [];
      const theirs: number[] = [];
      for (let round = 0; round < 3; round++) {
        const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), directory], { encoding: "utf8" });
        ours.push((JSON.parse(child.stdout) as { ms: number }).ms);
        const started = performance.now();
        const jq = spawnSync("jq", ["-rj", ".msg", file], { stdio: ["ignore", "ignore", "inherit"] });
        if (jq.status !== 0) throw new Error("jq is not installed (Debian: jq)");
        theirs.push(performance.now() - started);
      }
      const rate = (ms: readonly number[]): number => mb / (Math.min(...ms) / 1000);
      process.stdout.write(
        `${title}: ${rate(ours).toFixed(0)} MB/s, jq ${rate(theirs).toFixed(0)} MB/s: ${(rate(ours) / rate(theirs)).toFixed(1)} ×\n`,
      );
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}
