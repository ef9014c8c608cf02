// What is wrong with JSON, and where: the engine tells the place only sometimes.
import { specError, type Place } from "./problem.ts";

/** By its name, or by how it begins where the name does not say YAML. */
export function isJson(text: string, name: string): boolean {
  if (/\.json$/i.test(name)) return true;
  if (/\.ya?ml$/i.test(name)) return false;
  return /^\s*\{/.test(text);
}

/** Raises SPEC_SYNTAX. YAML would accept trailing commas and bare words; whoever writes JSON wants to hear about them. */
export function checkJson(text: string, placeAt: (offset: number) => Place): void {
  try {
    JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const offset = jsonErrorOffset(text, error);
    const before = text.slice(0, offset).trimEnd();
    const trailingComma = before.endsWith(",") && /^[\]}]/.test(text.slice(offset).trimStart());
    const message = trailingComma
      ? `a comma before the closing "${text.slice(offset).trimStart().slice(0, 1)}" is not allowed in JSON`
      : lowerFirst(error.message.replace(/(?: in JSON)? at position[^]*$/, "").replace(/, \.*"[^]*$/, ""));
    const place = placeAt(trailingComma ? before.length - 1 : Math.min(offset, text.length));
    throw specError("SPEC_SYNTAX", [{ ...place, path: "", message }]);
  }
}

/**
 * Where JSON breaks. The engine's message tells it only sometimes, so else the shortest prefix is sought whose error is
 * not just that something is missing at its end; a broken prefix stays broken however it goes on.
 */
function jsonErrorOffset(text: string, error: SyntaxError): number {
  const told = /at position (\d+)/.exec(error.message)?.[1];
  if (told !== undefined) return Number(told);
  let [good, bad] = [0, text.length];
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isBroken(text.slice(0, middle))) bad = middle;
    else good = middle;
  }
  return isBroken(text) ? good : text.trimEnd().length;
}

function isBroken(prefix: string): boolean {
  try {
    JSON.parse(prefix);
    return false;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const position = /at position (\d+)/.exec(error.message)?.[1];
    return (
      !/end of JSON|Unterminated/.test(error.message) && !(position !== undefined && Number(position) >= prefix.length)
    );
  }
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}
