// dockerexec called by a shell of the zone. Without -i zlogin has `su root -c` run the command in zones that have su, so a
// shell reads the joined words once more (dockerinit.md 9.1). The lab's zones have no /native with a dockerexec in it:
// its name stands for a function that hands its arguments to us over fd 4 and gets the exit code over fd 3.
import type { Readable, Writable } from "node:stream";

const FUNCTION = `native_dockerexec() { printf '%s\\0' "$#" "$@" >&4; IFS= read -r code <&3; return "$code"; }; `;

/** `joined` begins with dockerexec's path. */
export function asFunctionCall(joined: string): string {
  return `${FUNCTION}native_dockerexec${joined.slice(joined.indexOf("dockerexec") + "dockerexec".length)}`;
}

/** Splits what arrived on fd 4 into complete calls; `rest` is the beginning of the next one. */
export function parseCalls(buffered: string): { readonly calls: string[][]; readonly rest: string } {
  const calls: string[][] = [];
  let rest = buffered;
  for (;;) {
    const words = rest.split("\0");
    const count = Number(words[0]);
    // The last element is what follows the last NUL.
    if (words.length < count + 2 || words[0] === "") return { calls, rest };
    calls.push(words.slice(1, count + 1));
    rest = words.slice(count + 1).join("\0");
  }
}

/** Serves calls one after the other until the shell has closed its end. */
export async function serveCalls(
  from: Readable,
  to: Writable,
  run: (argv: readonly string[]) => Promise<number>,
): Promise<void> {
  to.on("error", () => undefined); // the shell has gone
  let buffered = "";
  for await (const chunk of from.setEncoding("utf8")) {
    const { calls, rest } = parseCalls(buffered + String(chunk));
    buffered = rest;
    for (const argv of calls) to.write(`${await run(argv)}\n`);
  }
}
