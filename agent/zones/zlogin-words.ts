// Words for `zlogin ZONE WORD...`: the one place that knows what zlogin makes of them (dockerinit.md 9.1).
//
// Without -i zlogin joins the words with blanks and has `su root -c` run the result in zones that have su(1); then a
// shell of the zone reads them again. Words with a blank or a tab it puts into single quotes first, without looking for
// quotes inside. In zones without su, and with -i, words arrive as they are, so that quoting them would be wrong.

export type ZloginParse = "intact" | "shell";

/** Words that reach the command in the zone byte for byte. A NUL cannot be part of any argument: callers refuse it. */
export function zloginWords(argv: readonly string[], parse: ZloginParse): string[] {
  return parse === "intact" ? [...argv] : argv.map(quoted);
}

/** Needs no quoting in any shell. */
const PLAIN = /^[A-Za-z0-9_@%+=:,./-]+$/;

function quoted(word: string): string {
  if (PLAIN.test(word)) return word;
  const inside = word.replaceAll("'", `'\\''`);
  // zlogin adds the outer quotes itself where it sees a blank.
  return /[ \t]/.test(word) ? inside : `'${inside}'`;
}
