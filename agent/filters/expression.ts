// Regular expressions of filters: RE2's syntax and its linear time (events-and-filters.md 4.2), by a library that is a
// port of RE2. The bounds keep the product of expression and text small as well: linear in the text is little help when
// every character visits a million states.
import { RE2JS } from "re2js";

/** Longest expression in UTF-16 units. Longer ones match nothing, as malformed ones do. */
export const MAX_EXPRESSION = 4096;
/** Longest text that is searched, in UTF-16 units; what is longer matches nothing. */
export const MAX_SEARCHED = 1024 * 1024;

/** Told once for each expression that cannot be compiled; the filter then matches nothing, as in containerd. */
export type BadExpression = (expression: string) => void;

/** Whether a match is found anywhere in a text. */
export function compileExpression(expression: string, onBad: BadExpression = ignore): (text: string) => boolean {
  let compiled: RE2JS | undefined;
  try {
    if (expression.length <= MAX_EXPRESSION) compiled = RE2JS.compile(expression);
  } catch {
    // told below: the library's text is about its own syntax tree
  }
  if (compiled === undefined) {
    onBad(expression);
    return () => false;
  }
  const pattern = compiled;
  return (text) => text.length <= MAX_SEARCHED && pattern.test(text);
}

function ignore(): void {
  // nobody asked
}
