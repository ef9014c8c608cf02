// Locks between processes: the kernel has to give them back, whatever happens to their holder.
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { afterEach, beforeEach, expect, it } from "vitest";
import { acquireLock, withLock } from "../../agent/util/lock.ts";

let directory: string;
let path: string;
const children: ChildProcessByStdio<Writable, Readable, null>[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "zl-"));
  path = join(directory, "locks/a");
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await rm(directory, { recursive: true, force: true });
});

/** Another process that takes the lock, says so, and gives it back when its stdin ends. */
async function holder(): Promise<ChildProcessByStdio<Writable, Readable, null>> {
  const script = `
    import { acquireLock } from ${JSON.stringify(join(process.cwd(), "agent/util/lock.ts"))};
    const lock = await acquireLock(${JSON.stringify(path)});
    console.log("held");
    process.stdin.resume().on("end", () => { lock.release(); console.log("released"); });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["pipe", "pipe", "ignore"] });
  children.push(child);
  await once(child.stdout, "data");
  return child;
}

it("tells why the file cannot be opened", async () => {
  await mkdir(path, { recursive: true });
  await expect(acquireLock(path)).rejects.toMatchObject({ code: "EISDIR" });
});

it("excludes another process until that gives the lock back", async () => {
  const child = await holder();
  expect(await acquireLock(path, { timeoutMs: 0 })).toBeUndefined();
  let waits = 0;
  const lock = acquireLock(path, { timeoutMs: 10_000, onWait: () => waits++ });
  child.stdin.end();
  (await lock)!.release();
  expect(waits).toBe(1);
});

it("is free at once when its holder is killed", async () => {
  const child = await holder();
  const lock = acquireLock(path, { timeoutMs: 10_000 });
  child.kill("SIGKILL");
  const held = await lock;
  expect(held).toBeDefined();
  held!.release();
});

it("excludes within one process, and release may be repeated", async () => {
  const one = (await acquireLock(path, { timeoutMs: 0 }))!;
  expect(await acquireLock(path, { timeoutMs: 30 })).toBeUndefined();
  one.release();
  one.release();
  await using two = (await acquireLock(path, { timeoutMs: 0 }))!;
  expect(two).toBeDefined();
});

it("gives up waiting on abort", async () => {
  await using lock = (await acquireLock(path, { timeoutMs: 0 }))!;
  const waiting = acquireLock(path, { signal: AbortSignal.timeout(30) });
  await expect(waiting).rejects.toThrow();
  lock.release();
  expect(await acquireLock(path, { signal: AbortSignal.abort() }).catch(() => "aborted")).toBe("aborted");
});

it("withLock gives the lock back after a failure", async () => {
  await expect(withLock(path, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
  const result = await withLock(path, () => Promise.resolve(1));
  expect(result).toBe(1);
});

it("counts right under contention of processes and callers", async () => {
  const counter = join(directory, "counter");
  const add = `
    import { readFileSync, writeFileSync, existsSync } from "node:fs";
    import { withLock } from ${JSON.stringify(join(process.cwd(), "agent/util/lock.ts"))};
    const path = ${JSON.stringify(counter)};
    for (let i = 0; i < 10; i++)
      await withLock(${JSON.stringify(path)}, async () => {
        const n = existsSync(path) ? Number(readFileSync(path, "utf8")) : 0;
        await new Promise(setImmediate);
        writeFileSync(path, String(n + 1));
      });`;
  const workers = [1, 2, 3].map(() => spawn(process.execPath, ["--input-type=module", "-e", add], { stdio: "ignore" }));
  await Promise.all(workers.map((worker) => once(worker, "exit")));
  expect(await readFile(counter, "utf8")).toBe("30");
}, 20_000);

it("is shared among sharers, and with nobody exclusive", async () => {
  const one = (await acquireLock(path, { shared: true, timeoutMs: 0 }))!;
  const two = (await acquireLock(path, { shared: true, timeoutMs: 0 }))!;
  expect(await acquireLock(path, { timeoutMs: 0 })).toBeUndefined();
  one.release();
  expect(await acquireLock(path, { timeoutMs: 0 })).toBeUndefined();
  two.release();
  const child = await holder();
  expect(await acquireLock(path, { shared: true, timeoutMs: 0 })).toBeUndefined();
  child.stdin.end();
  (await acquireLock(path, { shared: true, timeoutMs: 10_000 }))!.release();
});
