// Cuts a zstd stream at its frames (RFC 8878). node's decoder drops whatever follows the end of a frame within one
// chunk, and gives up at skippable frames; layers of several frames are common (pzstd, zstd:chunked).

const MAGIC = 0xfd2fb528;
const MAGIC_BYTES = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd);
const SKIPPABLE = 0x184d2a50;
const BLOCK_HEADER = 3;

/**
 * Passes on the bytes of the data frames so that no chunk holds parts of two; skippable frames are left out.
 * Throws on what is no frame. A stream that ends early is left for the decoder to complain about.
 */
export async function* zstdFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const cutter = new FrameCutter();
  for await (const chunk of chunks) yield* cutter.cut(chunk);
}

type Expecting = "magic" | "skippable-size" | "descriptor" | "block" | "frame-end";

class FrameCutter {
  #expecting: Expecting = "magic";
  /** Bytes of a header collected so far, and how many it has. */
  #header: number[] = [];
  #wanted = 4;
  /** Bytes that follow unread. */
  #through = 0;
  #skipping = false;
  #checksum = false;

  *cut(chunk: Uint8Array): Generator<Uint8Array> {
    let from = 0;
    let at = 0;
    while (at < chunk.length) {
      if (this.#through > 0) {
        const step = Math.min(this.#through, chunk.length - at);
        this.#through -= step;
        at += step;
      } else {
        const inMagic = this.#expecting === "magic";
        this.#header.push(chunk[at] ?? 0);
        at++;
        if (this.#header.length === this.#wanted) this.#readHeader();
        // Until all four bytes are there, nobody knows whether the frame is to be passed on.
        if (inMagic) from = at;
        if (inMagic && this.#expecting === "descriptor") yield MAGIC_BYTES;
      }
      if (this.#through > 0 || this.#expecting !== "frame-end") continue;
      // The frame is complete; what follows belongs to the next one.
      if (!this.#skipping && at > from) yield chunk.subarray(from, at);
      from = at;
      this.#expect("magic", 4);
    }
    if (!this.#skipping && at > from) yield chunk.subarray(from, at);
  }

  #expect(what: Expecting, bytes: number): void {
    this.#expecting = what;
    this.#wanted = bytes;
    this.#header = [];
  }

  #readHeader(): void {
    const value = this.#header.reduceRight((sum, byte) => sum * 256 + byte, 0);
    switch (this.#expecting) {
      case "magic":
        this.#skipping = value >= SKIPPABLE && value < SKIPPABLE + 16;
        if (!this.#skipping && value !== MAGIC) throw new Error("not a zstd frame");
        this.#expect(this.#skipping ? "skippable-size" : "descriptor", this.#skipping ? 4 : 1);
        break;
      case "skippable-size":
        this.#through = value;
        this.#expect("frame-end", 0);
        break;
      case "descriptor": {
        const single = (value & 0x20) !== 0;
        const dictionary = [0, 1, 2, 4][value & 3] ?? 0;
        const contentSize = [single ? 1 : 0, 2, 4, 8][value >> 6] ?? 0;
        this.#checksum = (value & 4) !== 0;
        this.#through = (single ? 0 : 1) + dictionary + contentSize;
        this.#expect("block", BLOCK_HEADER);
        break;
      }
      case "block": {
        const last = (value & 1) === 1;
        // A run-length block holds one byte, however long it becomes.
        const size = ((value >> 1) & 3) === 1 ? 1 : value >> 3;
        this.#through = size + (last && this.#checksum ? 4 : 0);
        this.#expect(last ? "frame-end" : "block", last ? 0 : BLOCK_HEADER);
        break;
      }
      case "frame-end":
        break;
    }
  }
}
