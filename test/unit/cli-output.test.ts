import { Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { createOutput } from "../../agent/cli/output.ts";

/** A reader that takes a chunk only when it is told to. */
class SlowReader extends Writable {
  readonly taken: string[] = [];
  #take: (() => void) | undefined;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#take = () => {
      this.taken.push(chunk.toString());
      done();
    };
  }

  takeOne(): void {
    const take = this.#take;
    this.#take = undefined;
    take?.();
  }
}

describe("output", () => {
  test("flush waits until a slow reader has taken everything", async () => {
    const reader = new SlowReader();
    const output = createOutput(reader, new SlowReader(), { noColor: true });
    await output.out("first\n");
    await output.out("second\n");
    let flushed = false;
    const flushing = output.flush().then(() => (flushed = true));
    reader.takeOne();
    await new Promise(setImmediate);
    expect(flushed).toBe(false);
    while (reader.writableLength > 0 || !flushed) {
      reader.takeOne();
      await new Promise(setImmediate);
    }
    await flushing;
    expect(reader.taken.join("")).toBe("first\nsecond\n");
  });

  test("a reader that went away is no error, and nobody waits for it", async () => {
    const reader = new SlowReader();
    reader.on("error", () => undefined);
    const output = createOutput(reader, new SlowReader(), { noColor: true });
    await output.out("lost\n");
    const flushing = output.flush();
    reader.destroy(new Error("EPIPE"));
    await flushing;
    await output.out("dropped\n");
    expect(reader.taken).toEqual([]);
  });
});
