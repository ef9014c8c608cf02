// Recorded failures of a host command and what the classification tables must make of them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { CommandError } from "../../agent/exec/errors.ts";

const caseFile = z.strictObject({
  /** Where in the reference the texts come from. */
  origin: z.string(),
  cases: z.array(
    z.strictObject({
      operation: z.string(),
      argv: z.array(z.string()),
      exit: z.int().nullable(),
      signal: z.string().optional(),
      stderr: z.string(),
      /** An error code, or `done`. */
      expected: z.string(),
      details: z.record(z.string(), z.unknown()).optional(),
      /** The form is the reference's, but not every word. */
      assumed: z.boolean().optional(),
    }),
  ),
});
export type ClassifiedCase = z.output<typeof caseFile>["cases"][number];

export function classifiedCases(directory: string): { readonly file: string; readonly cases: ClassifiedCase[] }[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith(".json"))
    .map((name) => ({
      file: name,
      cases: caseFile.parse(JSON.parse(readFileSync(join(directory, name), "utf8"))).cases,
    }));
}

export function commandErrorOf(program: string, { argv, exit, signal, stderr }: ClassifiedCase): CommandError {
  return new CommandError(signal === undefined ? "exit" : "signal", {
    argv: [program, ...argv],
    exitCode: exit ?? undefined,
    signal,
    stdoutTail: "",
    stderrTail: stderr,
    durationMs: 1,
  });
}
