// When and how long to wait before asking again (container-specs.md 10.6).
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../log/logger.ts";
import { networkFailure, type HttpAnswer, type HttpRequest, type Transport } from "./transport.ts";

export interface RetryPolicy {
  /** Requests in all. */
  readonly attempts: number;
  readonly baseMs: number;
  readonly maxMs: number;
}

export const RETRY: RetryPolicy = { attempts: 5, baseMs: 500, maxMs: 60_000 };

const RETRYABLE_STATUS: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);

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

export interface Patience {
  readonly transport: Transport;
  readonly retry: RetryPolicy;
  readonly log: Logger;
}

/**
 * Sends what `request` makes, anew for each attempt, until the answer is final: the last answer is returned whatever its
 * status. Rejects with the last network error. What cannot become better (an unknown name, a refused connection, a
 * certificate) is not repeated.
 */
export async function sendPatiently(
  request: () => Promise<HttpRequest>,
  { transport, retry, log }: Patience,
): Promise<HttpAnswer> {
  for (let attempt = 1; ; attempt++) {
    const last = attempt >= retry.attempts;
    let signal: AbortSignal | undefined;
    let delay: number | undefined;
    try {
      const next = await request();
      signal = next.signal;
      signal?.throwIfAborted();
      const answer = await transport.request(next);
      if (last || !RETRYABLE_STATUS.has(answer.status)) return answer;
      delay = retryDelayMs(retry, attempt, answer.header("retry-after"));
      if (delay === undefined) return answer;
      answer.discard();
      log.debug({ host: next.url.host, status: answer.status, attempt, delay }, "registry busy, asking again");
    } catch (error) {
      signal?.throwIfAborted();
      const failure = networkFailure(error);
      if (last || (failure !== "broken" && failure !== "timeout")) throw error;
      delay = retryDelayMs(retry, attempt, undefined) ?? retry.maxMs;
      log.debug({ err: error, attempt, delay }, "registry did not answer, asking again");
    }
    await pause(delay, signal);
  }
}
