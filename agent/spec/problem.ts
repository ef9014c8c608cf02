// What is wrong with a spec, told with its place. A reader gets all of it at once, not one complaint per attempt.
import { AgentError } from "../errors/agent-error.ts";
import type { ErrorCode } from "../errors/codes.ts";

export type SpecPath = readonly (string | number)[];

/** Where a value stands: in a file (1-based line and column, with the line's text) or on the command line. */
export interface Place {
  /** `web.yaml:7:3` or `--memory`. */
  readonly where: string;
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  readonly excerpt?: string;
}

/** A field of a document and where it stands. */
export interface FieldPlace extends Place {
  /** `networks[0].ip`; empty for the document itself. */
  readonly path: string;
}

export interface SpecProblem extends FieldPlace {
  readonly message: string;
  /** The word that was probably meant. */
  readonly suggestion?: string;
}

/** Something accepted but not (wholly) honoured, or risky. */
export interface SpecWarning {
  /** Path of the field in the document, e.g. `tmpfs` or `mounts[1].source`. */
  readonly path: string;
  readonly message: string;
  readonly hint?: string;
  /** `file:line:column` or a flag, where known. */
  readonly where?: string;
}

const SHOWN = 20;
const EXCERPT_LENGTH = 120;

/** `networks[0].ip`; keys that are no plain words are quoted. */
export function formatPath(path: SpecPath): string {
  return path
    .map((step, i) => {
      if (typeof step === "number") return `[${step}]`;
      if (/^[\w:/-]+$/.test(step)) return i === 0 ? step : `.${step}`;
      return `[${JSON.stringify(step)}]`;
    })
    .join("");
}

/** `web.yaml:2:7 user: …`, or `--user: …` and `IMAGE: …` where the command line's own word says it all. */
function formatComplaint(place: Place, path: string, message: string): string {
  if (/^(?:-|[A-Z]+$)/.test(place.where)) return `${place.where}: ${message}`;
  return path === "" ? `${place.where} ${message}` : `${place.where} ${path}: ${message}`;
}

/** One problem as people read it: place, path, sentence, and the line with a caret below the place. */
export function formatProblem(problem: SpecProblem): string {
  const head = formatComplaint(problem, problem.path, problem.message);
  if (problem.excerpt === undefined || problem.line === undefined || problem.column === undefined) return head;
  if (problem.excerpt.length > EXCERPT_LENGTH) return head;
  const number = `  ${problem.line} | `;
  const indent = problem.excerpt.slice(0, problem.column - 1).replace(/[^\t]/g, " ");
  return `${head}\n${number}${problem.excerpt}\n${" ".repeat(number.length - 2)}| ${indent}^`;
}

/** All problems of one document as one error; `details.problems` has them for programs. */
export function specError(code: ErrorCode, problems: readonly SpecProblem[], hint?: string): AgentError {
  const sorted = problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  const shown = sorted.slice(0, SHOWN).map(formatProblem);
  if (problems.length > SHOWN) shown.push(`… and ${problems.length - SHOWN} more`);
  return new AgentError(code, shown.join("\n"), {
    ...(hint === undefined ? {} : { hint }),
    details: {
      problems: sorted.map(({ where, file, line, column, path, message, suggestion }) => ({
        ...(file === undefined ? { where } : { file }),
        ...(line === undefined ? {} : { line }),
        ...(column === undefined ? {} : { column }),
        path,
        message,
        ...(suggestion === undefined ? {} : { suggestion }),
      })),
    },
  });
}
