/**
 * Splits a command line as a shell does (quotes and backslashes, no expansion, no comments). Undefined when a quote is
 * not closed or the text ends in a backslash.
 */
export function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word = "";
  let begun = false;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === quote) quote = "";
    else if (char === "\\" && quote !== "'") {
      const next = text.charAt(++i);
      if (next === "") return undefined;
      // An escaped line end is no character at all.
      if (next === "\n") continue;
      // Inside double quotes only these lose their backslash.
      word += quote === '"' && !'$`"\\'.includes(next) ? char + next : next;
      begun = true;
    } else if (quote !== "") word += char;
    else if (char === "'" || char === '"') {
      quote = char;
      begun = true;
    } else if (/\s/.test(char)) {
      if (begun) words.push(word);
      word = "";
      begun = false;
    } else {
      word += char;
      begun = true;
    }
  }
  if (quote !== "") return undefined;
  return begun ? [...words, word] : words;
}
