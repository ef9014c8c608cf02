// Long streams through real containers, compared with what the program wrote.
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { TestLab, ZONELET } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());

const PARTS = 140;
const PART = 720_000;

/**
 * 100 MB of random text with rotation at 1 MiB, followed. Two rotations in one second overwrite each other on the platform
 * (dockerinit.md 6.4), so the program takes a breath: a part is less than a file, and there is at most one a second.
 */
test("100 MB arrive as they were written, through some hundred rotations", async () => {
  const data = join(lab.root, "data");
  mkdirSync(data, { recursive: true });
  const written = createHash("sha256");
  for (let i = 0; i < PARTS; i++) {
    const text = Buffer.from(
      randomBytes((PART * 3) / 4)
        .toString("base64")
        .replace(/.{70}/g, "$&\n"),
    );
    written.update(text);
    writeFileSync(join(data, String(i).padStart(4, "0")), text);
  }
  const script = "for f in /data/*; do cat $f; sleep 1.1; done";
  await lab.zonelet(
    "run",
    "-d",
    "--name",
    "long",
    "--log-opt",
    "max-size=1m",
    "-v",
    "/data:/data:ro",
    "demo:1",
    "sh",
    "-c",
    script,
  );
  const follower = lab.spawn(ZONELET, ["logs", "-f", "long"]);
  const read = createHash("sha256");
  let bytes = 0;
  follower.stdout.on("data", (chunk: Buffer) => {
    read.update(chunk);
    bytes += chunk.length;
  });
  let peakKiB = 0;
  const sampler = setInterval(() => {
    peakKiB = Math.max(peakKiB, residentKiB(follower.pid));
  }, 500);
  const status = await new Promise((resolve) => follower.on("close", resolve));
  clearInterval(sampler);
  const files = readdirSync(join(lab.root, "zones", lab.zoneUuids()[0] ?? "", "logs")).length;
  process.stdout.write(`  ${bytes} bytes in ${files} files; the follower's peak: ${Math.round(peakKiB / 1024)} MiB\n`);
  expect(status).toBe(0);
  expect(read.digest("hex")).toBe(written.digest("hex"));
  expect(files).toBeGreaterThan(80);
  await lab.zonelet("rm", "-f", "long");
}, 290_000);

test("ten followers of busy containers stay small", async () => {
  const script = "while :; do seq 1 200; sleep 0.2; done";
  const names = Array.from({ length: 50 }, (_, i) => `busy${i}`);
  for (const name of names) await lab.zonelet("run", "-d", "--name", name, "-m", "32m", "demo:1", "sh", "-c", script);
  const followers = names.slice(0, 10).map((name) => lab.spawn(ZONELET, ["logs", "-f", name]));
  const seen = followers.map(() => 0);
  followers.forEach((follower, i) =>
    follower.stdout.on("data", (chunk: Buffer) => (seen[i] = (seen[i] ?? 0) + chunk.length)),
  );
  await eventually(() => seen.every((bytes) => bytes > 50_000), {
    within: 120_000,
    what: "every follower has read on",
  });
  const sizes = followers.map(({ pid }) => Math.round(residentKiB(pid) / 1024));
  process.stdout.write(`  followers of 50 busy containers: ${sizes.join(", ")} MiB\n`);
  expect(Math.max(...sizes)).toBeLessThan(200);
  for (const follower of followers) follower.kill("SIGKILL");
  await lab.zonelet("rm", "-f", ...names);
});

function residentKiB(pid: number | undefined): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${String(pid)}/status`, "utf8"))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
