// The refusals of a create request, in the predecessor's words, status and code (sdc-docker.md 2, 20).
import { refusal, VALIDATION } from "../docker-view/refusal.ts";
import type { AgentError } from "../errors/agent-error.ts";
import type { ErrorCode } from "../errors/codes.ts";

/** The request says something wrong: 422. */
export function invalid(message: string): AgentError {
  return refusal("SPEC_INVALID", message, VALIDATION);
}

/** 400, in the predecessor's own sentence. */
export function notImplemented(feature: string): AgentError {
  return refusal("SPEC_UNSUPPORTED", `${feature} is not implemented`, { status: 400, code: "NotImplemented" });
}

/** The general 500, whose code is not shown. */
export function failed(code: ErrorCode, message: string): AgentError {
  return refusal(code, message);
}

/** What was a failed assertion in the original: 500 without any code. */
export function asserted(message: string): AgentError {
  return refusal("SPEC_INVALID", message, { code: null });
}
