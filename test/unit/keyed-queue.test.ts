import { describe, expect, it } from "vitest";
import { createKeyedQueue } from "../../agent/util/keyed-queue.ts";

/** Work that is over when told. */
function gate(): { readonly open: () => void; readonly passed: Promise<void> } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { open: () => resolve(undefined), passed: promise };
}

describe("keyed queue", () => {
  it("runs one key in order and lets other keys pass", async () => {
    const queue = createKeyedQueue<string>();
    const first = gate();
    const order: string[] = [];
    const all = [
      queue.run("a", async () => {
        await first.passed;
        order.push("a1");
      }),
      queue.run("a", () => Promise.resolve(order.push("a2"))),
      queue.run("b", () => Promise.resolve(order.push("b1"))),
    ];
    await all[2];
    expect(order).toEqual(["b1"]);
    first.open();
    await Promise.all(all);
    expect(order).toEqual(["b1", "a1", "a2"]);
  });

  it("goes on after a failure, and forgets idle keys", async () => {
    const queue = createKeyedQueue<string>();
    const failing = queue.run("a", () => Promise.reject(new Error("no")));
    const next = queue.run("a", () => Promise.resolve(1));
    await expect(failing).rejects.toThrow("no");
    expect(await next).toBe(1);
    await new Promise(setImmediate);
    expect(queue.size).toBe(0);
  });

  it("gives up waiting on abort without losing the place of those behind", async () => {
    const queue = createKeyedQueue<string>();
    const first = gate();
    const order: string[] = [];
    const abort = new AbortController();
    const running = queue.run("a", () => first.passed);
    const waiting = queue.run("a", () => Promise.resolve(order.push("aborted")), { signal: abort.signal });
    const behind = queue.run("a", () => Promise.resolve(order.push("behind")));
    abort.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await new Promise(setImmediate);
    expect(order).toEqual([]);
    first.open();
    await Promise.all([running, behind]);
    expect(order).toEqual(["behind"]);
  });

  it("starts nothing for a signal that has aborted", async () => {
    const queue = createKeyedQueue<string>();
    let ran = false;
    const work = (): Promise<void> => {
      ran = true;
      return Promise.resolve();
    };
    await expect(queue.run("a", work, { signal: AbortSignal.abort(new Error("no")) })).rejects.toThrow("no");
    expect(ran).toBe(false);
  });

  it("keeps the key while something is held", async () => {
    const queue = createKeyedQueue<string>();
    const child = gate();
    const order: string[] = [];
    await queue.run("a", (hold) => {
      hold(child.passed);
      return Promise.resolve(order.push("given up"));
    });
    const next = queue.run("a", () => Promise.resolve(order.push("next")));
    await new Promise(setImmediate);
    expect(order).toEqual(["given up"]);
    child.open();
    await next;
    expect(order).toEqual(["given up", "next"]);
  });
});
