import { AgentError } from "./agent-error.ts";
import type { ErrorClass } from "./classes.ts";
import type { ErrorCode } from "./codes.ts";

/** The messages of an error and its causes in one line, outermost first, each told once. */
export function inlineChain(error: unknown): string {
  const parts: string[] = [];
  for (let e: unknown = error, depth = 0; e !== undefined && depth < 8; depth++) {
    const text = e instanceof Error ? e.message : typeof e === "string" ? e : JSON.stringify(e);
    if (text !== "" && !parts.some((p) => p.includes(text))) parts.push(text);
    e = e instanceof Error ? e.cause : undefined;
  }
  return parts.join(": ");
}

/**
 * Any thrown value as an AgentError. An abort becomes CANCELLED (or what the signal was aborted with, when that is an
 * AgentError, such as a deadline); a lack of disk space DISK_FULL; a file that may not be
 * touched FILE_DENIED; everything else is INTERNAL, with the original as cause.
 */
export function fromUnknown(error: unknown): AgentError {
  if (error instanceof AgentError) return error;
  if (error instanceof Error) {
    if (error.cause instanceof AgentError && error.name === "AbortError") return error.cause;
    if (error.name === "AbortError") return new AgentError("CANCELLED", "cancelled", { cause: error });
    if (error.name === "TimeoutError") return new AgentError("DEADLINE", "deadline exceeded", { cause: error });
    if ("code" in error && (error.code === "ENOSPC" || error.code === "EDQUOT"))
      return new AgentError("DISK_FULL", "no space left on the device", { cause: error });
    if ("code" in error && (error.code === "EACCES" || error.code === "EPERM" || error.code === "EROFS"))
      return new AgentError("FILE_DENIED", "the file system does not allow it", { cause: error });
  }
  return new AgentError("INTERNAL", "unexpected error", { cause: error });
}

export interface WireError {
  readonly class: ErrorClass;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/** The form in which an error leaves the process (`-o json`, replies): no stack, no argv. */
export function toWire(error: unknown): WireError {
  const e = fromUnknown(error);
  return {
    class: e.class,
    code: e.code,
    message: inlineChain(e),
    ...(e.hint === undefined ? {} : { hint: e.hint }),
    ...(Object.keys(e.details).length === 0 ? {} : { details: e.details }),
  };
}
