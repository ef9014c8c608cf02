// What a Docker client is told when a request cannot be served (sdc-docker.md 20).
import { AgentError } from "../errors/agent-error.ts";
import type { ErrorCode } from "../errors/codes.ts";

/** Status and code of the predecessor's answer; `DockerError` is its general code and not shown. */
interface DockerAnswer {
  readonly status: number;
  readonly code: string;
}

const GENERAL: DockerAnswer = { status: 500, code: "DockerError" };
export const VALIDATION: DockerAnswer = { status: 422, code: "Validation" };

/** An error that carries the answer a Docker client gets, as `details.docker`. */
export function refusal(
  code: ErrorCode,
  message: string,
  docker: Partial<DockerAnswer> = {},
  cause?: unknown,
): AgentError {
  return new AgentError(code, message, { cause, details: { docker: { ...GENERAL, ...docker } } });
}
