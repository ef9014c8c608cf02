import { EXIT_STATUS, type ErrorClass } from "./classes.ts";
import { ERROR_CODES, type ErrorCode } from "./codes.ts";

export interface AgentErrorOptions {
  readonly cause?: unknown;
  /** A sentence telling what to do about it; printed on its own line. */
  readonly hint?: string;
  /** Facts that are safe to show to whoever asked: no argv, no environment, no secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * The only error the agent raises on purpose. The message names the operation and its object, without repeating the
 * cause's text; printing goes through {@link inlineChain}.
 */
export class AgentError extends Error {
  override readonly name = "AgentError";
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: AgentErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
    this.details = options.details ?? {};
  }

  get class(): ErrorClass {
    return ERROR_CODES[this.code];
  }

  get exitStatus(): number {
    return EXIT_STATUS[this.class];
  }

  /** True where the same request may succeed later without being changed. */
  get retryable(): boolean {
    return this.class === "Unavailable" || this.class === "DeadlineExceeded" || this.class === "ResourceExhausted";
  }
}

/** True for an {@link AgentError} with one of the codes. */
export function hasCode(error: unknown, ...codes: readonly ErrorCode[]): error is AgentError {
  return error instanceof AgentError && codes.includes(error.code);
}
