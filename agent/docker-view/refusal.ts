// What a Docker client is told when a request cannot be served (sdc-docker.md 20).
import { z } from "zod";
import { AgentError } from "../errors/agent-error.ts";
import type { ErrorCode } from "../errors/codes.ts";

/**
 * Status and code of the predecessor's answer; `DockerError` is its general code and not shown. Null where it was a failed
 * assertion of the original, which had none.
 */
interface DockerAnswer {
  readonly status: number;
  readonly code: string | null;
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

const answerSchema = z.object({ docker: z.object({ status: z.number(), code: z.string().nullable() }) });

/** The answer an error carries; for one that was not meant for a Docker client, the general one. */
export function refusalAnswer(error: AgentError): DockerAnswer {
  return answerSchema.safeParse(error.details).data?.docker ?? GENERAL;
}

/** The body of the answer: plain text with the request's id. */
export function answerText(error: AgentError, requestId: string): string {
  const { code } = refusalAnswer(error);
  return `${code === null || code === GENERAL.code ? "" : `(${code}) `}${error.message} (${requestId})`;
}
