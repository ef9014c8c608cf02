// From the bytes of a message to a JSON value, whatever a stranger sends. The only errors are MESSAGE_INVALID and
// MESSAGE_TOO_LARGE.
import type { z } from "zod";
import { AgentError } from "../errors/agent-error.ts";
import { MIB } from "../util/units.ts";

/** Bulk never goes over the bus (amqp-head-node.md 19.4 "size"). */
export const MAX_REQUEST_BYTES = MIB;
export const MAX_EVENT_BYTES = MIB / 4;

/** Deeper than any request needs, shallow enough for everything that walks a value. */
const MAX_DEPTH = 64;

/**
 * The JSON value of a message. Only JSON in UTF-8 is taken; a message without a content type is read as JSON, too,
 * because senders forget it (an agent that did not look ran tasks nobody could hear of, amqp-head-node.md 2).
 */
export function parseBody(bytes: Uint8Array, contentType: string | undefined): unknown {
  if (bytes.byteLength > MAX_REQUEST_BYTES)
    throw new AgentError("MESSAGE_TOO_LARGE", `the message has ${bytes.byteLength} bytes, at most ${MAX_REQUEST_BYTES} are taken`); // prettier-ignore
  const type = contentType?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (type !== "" && type !== "application/json")
    throw new AgentError("MESSAGE_INVALID", `content type ${JSON.stringify(type.slice(0, 80))} is not application/json`); // prettier-ignore
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new AgentError("MESSAGE_INVALID", "the message is not UTF-8", { cause: error });
  }
  checkDepth(text);
  try {
    return JSON.parse(text);
  } catch (error) {
    // The engine's words quote the text, which may hold secrets.
    if (!(error instanceof SyntaxError)) throw error;
    throw new AgentError("MESSAGE_INVALID", text.trim() === "" ? "the message is empty" : "the message is not JSON");
  }
}

/** Before parsing, so that no recursion can be made to overflow. Brackets inside strings do not count. */
function checkDepth(text: string): void {
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const char = text[i];
    if (quoted) {
      if (char === "\\") i++;
      else if (char === '"') quoted = false;
    } else if (char === '"') quoted = true;
    else if (char === "{" || char === "[") {
      if (++depth > MAX_DEPTH)
        throw new AgentError("MESSAGE_INVALID", `the message is nested deeper than ${MAX_DEPTH} levels`);
    } else if (char === "}" || char === "]") depth--;
  }
}

export interface PathProblem {
  /** Where in the document, as JSON path: `$.params.nics[0].mac`. */
  readonly path: string;
  readonly message: string;
}

/** Every problem of a value zod refused, with its place below `root`. */
export function pathProblems(error: z.ZodError, root = "$"): PathProblem[] {
  return error.issues.map(({ path, message }) => ({ path: jsonPath(path, root), message: lowerFirst(message) }));
}

export function jsonPath(path: readonly PropertyKey[], root = "$"): string {
  return path.reduce<string>((place, key) => {
    if (typeof key === "number") return `${place}[${key}]`;
    const name = String(key).slice(0, 80);
    return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? `${place}.${name}` : `${place}[${JSON.stringify(name)}]`;
  }, root);
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

/** `$.vm: not a lower-case uuid; $.v: …`, at most five of them. */
export function toldProblems(problems: readonly PathProblem[]): string {
  const told = problems.slice(0, 5).map(({ path, message }) => `${path}: ${message}`);
  return problems.length > 5 ? `${told.join("; ")}; and ${problems.length - 5} more` : told.join("; ");
}
