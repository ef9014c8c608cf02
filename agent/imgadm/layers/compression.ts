// What a layer or archive is packed with, told from its first bytes: media types lie (imgadm.md 9.3).
import { PassThrough, pipeline, Readable } from "node:stream";
import zlib, { createGunzip } from "node:zlib";
import { AgentError } from "../../errors/agent-error.ts";
import { zstdFrames } from "./zstd-frames.ts";

export type Compression = "none" | "gzip" | "zstd";

const SNIFF = 6;

/** Throws IMAGE_UNSUPPORTED for bzip2 and xz, which no image specification knows. */
export function sniffCompression(head: Uint8Array, what: string): Compression {
  const starts = (...bytes: readonly number[]): boolean => bytes.every((byte, i) => head[i] === byte);
  if (starts(0x1f, 0x8b)) return "gzip";
  const skippable = (head[0] ?? 0) >> 4 === 5 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18;
  if (starts(0x28, 0xb5, 0x2f, 0xfd) || skippable) return "zstd";
  const other = starts(0x42, 0x5a, 0x68) ? "bzip2" : starts(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00) ? "xz" : undefined;
  if (other !== undefined)
    throw new AgentError("IMAGE_UNSUPPORTED", `${what} is compressed with ${other}; layers may be plain, gzip or zstd`);
  return "none";
}

export interface Decompressed {
  readonly compression: Compression;
  /** The plain bytes. An error of `packed` or of the unpacking ends it with that error. */
  readonly plain: Readable;
}

/**
 * Reads the head of `packed` and returns the plain bytes behind it. Several gzip members or zstd frames count as one
 * stream. Destroying `plain` destroys `packed`.
 */
export async function decompress(packed: Readable, what: string): Promise<Decompressed> {
  const head = await readHead(packed);
  const compression = sniffCompression(head, what);
  if (head.length > 0) packed.unshift(head);
  const ended = packed.readableEnded || packed.destroyed;
  const whole = ended ? Readable.from([head]) : packed;
  // The callbacks are required; whoever reads `plain` gets the error from it.
  const plain =
    compression === "zstd"
      ? pipeline(whole, zstdFrames, zlib.createZstdDecompress(), () => undefined)
      : pipeline(whole, compression === "gzip" ? createGunzip() : new PassThrough(), () => undefined);
  return { compression, plain };
}

async function readHead(packed: Readable): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  while (length < SNIFF) {
    const chunk: unknown = packed.read() ?? (await nextChunk(packed));
    if (!(chunk instanceof Uint8Array)) break;
    chunks.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    length += chunk.length;
  }
  return Buffer.concat(chunks);
}

/** The next chunk, or undefined at the end. Rejects with the stream's error. */
async function nextChunk(stream: Readable): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      stream.off("readable", onReadable).off("end", onEnd).off("error", onError).off("close", onEnd);
    };
    const onReadable = (): void => {
      const chunk: unknown = stream.read();
      // A last "readable" comes before the end, with nothing to read.
      if (chunk === null) return;
      settle();
      resolve(chunk);
    };
    const onEnd = (): void => {
      settle();
      resolve(undefined);
    };
    const onError = (error: Error): void => {
      settle();
      reject(error);
    };
    stream.on("readable", onReadable).on("end", onEnd).on("error", onError).on("close", onEnd);
  });
}
