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
    const seen: string[][] = [];
    const flushing = output.flush().then(() => seen.push([...reader.taken]));
    for (let turn = 0; turn < 10; turn++) {
      reader.takeOne();
      await new Promise(setImmediate);
    }
    await flushing;
    expect(seen[0]?.slice(0, 2)).toEqual(["first\n", "second\n"]);
  });

  test("a reader that went away is no error, and nobody waits for it", async () => {
    const reader = new SlowReader();
    reader.on("error", () => undefined);
    const output = createOutput(reader, new SlowReader(), { noColor: true });
    await output.out("lost\n");
    const flushing = output.flush();
    reader.destroy(new Error("EPIPE"));
    await flushing;
    expect(output.gone).toBe(true);
    await output.out("dropped\n");
    expect(reader.taken).toEqual([]);
  });
});
