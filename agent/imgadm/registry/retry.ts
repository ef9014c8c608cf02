// When and how long to wait before asking again (container-specs.md 10.6).
import { setTimeout as sleep } from "node:timers/promises";

export interface RetryPolicy {
  /** Requests in all. */
  readonly attempts: number;
  readonly baseMs: number;
  readonly maxMs: number;
}

export const RETRY: RetryPolicy = { attempts: 5, baseMs: 500, maxMs: 15_000 };

export const RETRYABLE_STATUS: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

/**
 * Milliseconds to wait before attempt `attempt + 1`: what Retry-After says, else a doubled and jittered base.
 * undefined when the registry wants more patience than `maxMs`: then the caller reports it instead of hanging.
 */
export function retryDelayMs(
  policy: RetryPolicy,
  attempt: number,
  retryAfter: string | undefined,
  now = Date.now(),
): number | undefined {
  const asked = retryAfter === undefined ? undefined : parseRetryAfter(retryAfter, now);
  if (asked !== undefined) return asked > policy.maxMs ? undefined : asked;
  const bound = Math.min(policy.baseMs * 2 ** (attempt - 1), policy.maxMs);
  return bound / 2 + (Math.random() * bound) / 2;
}

/** Seconds or an HTTP date, in milliseconds from `now`; undefined for anything else. */
export function parseRetryAfter(text: string, now: number): number | undefined {
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1000;
  const date = Date.parse(text);
  return Number.isNaN(date) ? undefined : Math.max(0, date - now);
}

export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal ? { signal } : {});
}
