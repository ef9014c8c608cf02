// Iterates over the entries of a packed tar.
import { pipeline } from "node:stream/promises";
import type { Readable } from "node:stream";
import { extract, type Extract } from "tar-stream";
import { decompress, type Compression } from "./compression.ts";

export type TarStreamEntry = Extract extends AsyncIterable<infer Entry> ? Entry : never;

// Version 7 headers carry no magic; GNU tar and Go's reader take them as well.
const READER_OPTIONS = { allowUnknownFormat: true, highWaterMark: 64 * 1024 };

export interface TarReader {
  readonly compression: Compression;
  /**
   * The entries in order. The content of an entry must be read or resumed before the next one comes.
   * Leaving the loop early ends the reading; an error anywhere is thrown here.
   */
  readonly entries: AsyncIterable<TarStreamEntry>;
}

/** `onPlain` sees every chunk of the unpacked tar, the part behind the last entry included; it may throw. */
export async function readTar(
  packed: Readable,
  what: string,
  onPlain?: (chunk: Uint8Array) => void,
): Promise<TarReader> {
  const { compression, plain } = await decompress(packed, what);
  const entries = async function* (): AsyncGenerator<TarStreamEntry> {
    const reader = extract(READER_OPTIONS);
    const feeding = pipeline(
      plain,
      async function* (chunks: AsyncIterable<Uint8Array>) {
        for await (const chunk of chunks) {
          onPlain?.(chunk);
          yield chunk;
        }
      },
      reader,
    );
    // Awaited below; an early failure must not count as unhandled before that.
    feeding.catch(() => undefined);
    yield* reader;
    await feeding;
  };
  return { compression, entries: entries() };
}
