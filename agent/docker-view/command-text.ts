/** Column COMMAND: words joined by blanks, those with a blank in single quotes, but for the first; nothing is escaped. */
export function commandText(argv: readonly string[]): string {
  return argv.map((word, i) => (i > 0 && word.includes(" ") ? `'${word}'` : word)).join(" ");
}
