// The `WWW-Authenticate` header, parsed as RFC 9110 11.6.1 writes it: several challenges in one line, quoted values
// with commas and escapes (container-specs.md 10.3).
export interface Challenge {
  /** Lower case. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: Readonly<Record<string, string>>;
}

const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+/;

/** All challenges of all header lines, in order. Stops at the first thing it cannot read; never throws. */
export function parseChallenges(headers: readonly string[]): readonly Challenge[] {
  return headers.flatMap((header) => parseLine(header));
}

function parseLine(line: string): Challenge[] {
  const challenges: Challenge[] = [];
  let rest = line.trimStart();
  let parameters: Record<string, string> | undefined;
  while (rest !== "") {
    const name = TOKEN.exec(rest)?.[0];
    if (name === undefined) break;
    const after = rest.slice(name.length);
    const value = /^\s*=\s*/.exec(after);
    if (value === null || parameters === undefined) {
      // A scheme stands alone, followed by a blank, a comma or the end.
      parameters = {};
      challenges.push({ scheme: name.toLowerCase(), parameters });
      rest = after.replace(/^[\s,]+/, "");
      continue;
    }
    const read = readValue(after.slice(value[0].length));
    if (read === undefined) break;
    parameters[name.toLowerCase()] ??= read.value;
    rest = read.rest.replace(/^[\s,]+/, "");
  }
  return challenges;
}

function readValue(text: string): { value: string; rest: string } | undefined {
  if (!text.startsWith('"')) {
    const token = TOKEN.exec(text)?.[0];
    return token === undefined ? undefined : { value: token, rest: text.slice(token.length) };
  }
  let value = "";
  for (let i = 1; i < text.length; i++) {
    const character = text[i] ?? "";
    if (character === '"') return { value, rest: text.slice(i + 1) };
    if (character === "\\") {
      i++;
      value += text[i] ?? "";
    } else value += character;
  }
  return undefined;
}
