// A connection that delivers a few bytes now and then is as dead as a silent one, and no idle timer sees it.
import { timeoutError } from "./transport.ts";

export interface Pace {
  /** Less than `bytes` in `windowMs`, over and over, is a stall. */
  readonly windowMs: number;
  readonly bytes: number;
}

/** 256 bytes a second: slower than any line people still have. */
export const PACE: Pace = { windowMs: 60_000, bytes: 15_360 };

/**
 * Passes chunks on and fails with a timeout when fewer than the pace's bytes came within its window. Time the reader
 * takes for itself does not count against the sender.
 */
export async function* keepPace(chunks: AsyncIterable<Uint8Array>, pace: Pace): AsyncGenerator<Uint8Array> {
  let waited = 0;
  let received = 0;
  let asked = performance.now();
  for await (const chunk of chunks) {
    waited += performance.now() - asked;
    received += chunk.length;
    yield chunk;
    asked = performance.now();
    if (received >= pace.bytes) waited = received = 0;
    else if (waited >= pace.windowMs)
      throw timeoutError(`${received} bytes in ${Math.round(waited / 1000)} s is too slow`);
  }
}
