import { expect } from "vitest";
import { AgentError } from "../../agent/errors/agent-error.ts";
import type { ErrorCode } from "../../agent/errors/codes.ts";

/** Asserts that a call fails with this code, and hands the error out. */
export async function expectCode(call: Promise<unknown>, code: ErrorCode): Promise<AgentError> {
  const error: unknown = await call.then(
    () => new Error("it succeeded"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AgentError)) throw error;
  expect(error).toMatchObject({ code });
  return error;
}
