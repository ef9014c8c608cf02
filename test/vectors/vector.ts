// What a vector file is, whatever it is about: cases, each with a check that tells every difference it finds.
import { AgentError } from "../../agent/errors/agent-error.ts";

export interface VectorFile {
  readonly path: string;
  readonly json: unknown;
}

export interface Difference {
  /** Place in the case's document, e.g. `vm_payload.internal_metadata.docker:cmd`; empty for the whole of it. */
  readonly path: string;
  readonly expected: unknown;
  readonly got: unknown;
}

export interface VectorCase {
  readonly name: string;
  /** Recorded behaviour that looks unintended: we may differ, if manifests/README.md says so. */
  readonly quirk: boolean;
  /** What it takes to judge it at all, such as "a broker"; it is counted apart, and its check says nothing. */
  readonly needs?: string;
  /** What of the case is not judged although it passes, such as "the commands a task runs". */
  readonly without?: string;
  /** Empty when the case holds. Never throws. */
  readonly check: () => readonly Difference[];
}

export interface VectorFamily {
  readonly name: string;
  /** Kinds of files it knows, for the message about an unknown one. */
  readonly kinds: readonly string[];
  /**
   * The cases of a file; none for a file that only accompanies another; undefined for a file of no kind it knows. Raises
   * an error for a file of its kinds that is not well-formed.
   */
  readonly cases: (file: VectorFile) => readonly VectorCase[] | undefined;
}

/** A refusal of something that is not the agent, such as the lab host, as a judge tells it. */
export class Refused extends Error {
  override readonly name = "Refused";
}

/** The outcome of a judge: a document, or a refusal that was meant. Everything else thrown is a difference. */
export type Outcome<T> =
  { readonly document: T } | { readonly refusal: AgentError | Refused } | { readonly broken: string };

export function outcomeOf<T>(judge: () => T): Outcome<T> {
  try {
    return { document: judge() };
  } catch (error) {
    if (error instanceof AgentError || error instanceof Refused) return { refusal: error };
    return { broken: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
  }
}
