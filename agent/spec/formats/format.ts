// What a reader of a foreign format is, and what it reports to.
//
// To add a format: write `formats/<name>/read.ts` exporting a `FormatReader`; give it a row in `formats/formats.ts` with
// the keys that tell the format; put its cases below test/fixtures/specs/<name> (`npm run vectors` runs them) and an
// example into manifests/examples. A reader is pure: no files, no environment, no clock. It never throws for what a
// document says; it complains, as often as there is reason, and the caller raises all complaints at once.
import type { FormatName, NeutralDocument } from "../neutral.ts";
import type { SpecPath, SpecProblem, SpecWarning } from "../problem.ts";
import { problemAt, fullPath, type SpecSource } from "../source.ts";

/** What the caller supplies beside the document. */
export interface Given {
  /** Compose: variables for interpolation. Nothing comes from the agent's own environment. */
  readonly variables?: Readonly<Record<string, string>> | undefined;
  /** What a document without a name of its own belongs to, e.g. its directory. */
  readonly project?: string | undefined;
  /** Docker's query parameters. */
  readonly name?: string | undefined;
  readonly platform?: string | undefined;
  /** The format the caller says it is; else the keys tell. */
  readonly format?: SpecFormat | undefined;
}

/** `spec`: a container spec or a list of them; `vmadm`: a payload of vmadm. */
export const SPEC_FORMATS = [
  "spec",
  "vmadm",
  "compose",
  "k8s-pod",
  "appc-pod",
  "appc-image",
  "oci-runtime",
  "docker-create",
] as const satisfies readonly (FormatName | "spec" | "vmadm")[];
export type SpecFormat = (typeof SPEC_FORMATS)[number];

/** Undefined when the document is so broken that nothing more can be said about it; then there are complaints. */
export type FormatReader = (source: SpecSource, given: Given, report: Report) => NeutralDocument | undefined;

export interface Format {
  readonly name: FormatName;
  /** For people: `Docker Compose file`. */
  readonly title: string;
  readonly detect: (document: Readonly<Record<string, unknown>>) => boolean;
  readonly read: FormatReader;
}

/** Nobody reads more, and a hostile document may have a hundred thousand. */
const MAX_PROBLEMS = 200;
/** More containers than one document may ask for on one node. */
export const MAX_APPS = 500;

/** Collects what there is to say about one document; a repeated warning is kept once. */
export class Report {
  readonly problems: SpecProblem[] = [];
  readonly warnings: SpecWarning[] = [];
  readonly #source: SpecSource;
  readonly #warned = new Set<string>();
  /** Whether every problem so far is of the agent's making: the document itself is right. */
  #unsupportedOnly = true;

  constructor(source: SpecSource) {
    this.#source = source;
  }

  /** The document breaks its format's rules. `at: "key"` points at the key instead of its value. */
  complain(path: SpecPath, message: string, options: { at?: "key" | "value"; suggestion?: string } = {}): void {
    this.#unsupportedOnly = false;
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problemAt(this.#source, path, message, options));
  }

  /** Problems made elsewhere (`zodProblems`); same weight as `complain`. */
  add(problems: readonly SpecProblem[]): void {
    if (problems.length > 0) this.#unsupportedOnly = false;
    this.problems.push(...problems.slice(0, Math.max(0, MAX_PROBLEMS - this.problems.length)));
  }

  /** The document is right, but asks for what an LX zone or a single node cannot give. */
  refuse(path: SpecPath, message: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problemAt(this.#source, path, message, { at: "key" }));
  }

  /** Accepted, but not or only roughly honoured. `place`: where it stands, when `path` names it by other words. */
  warn(path: SpecPath, message: string, hint?: string, place: SpecPath = path): void {
    const full = fullPath(this.#source, path);
    const key = `${full}\n${message}`;
    if (this.#warned.has(key)) return;
    this.#warned.add(key);
    this.warnings.push({
      path: full,
      message,
      ...(hint === undefined ? {} : { hint }),
      where: this.#source.locate(place, "key").where,
    });
  }

  /** SPEC_UNSUPPORTED when nothing but refusals was found, SPEC_INVALID otherwise. */
  get code(): "SPEC_INVALID" | "SPEC_UNSUPPORTED" {
    return this.#unsupportedOnly ? "SPEC_UNSUPPORTED" : "SPEC_INVALID";
  }
}
