// A new zone's passwd and group files get the lines its container needs (spec/added-accounts.ts). The zone has never run:
// nobody moves its files while they are written.
import { AgentError } from "../errors/agent-error.ts";
import { appendLinesInRoot } from "../host/in-root.ts";
import type { AccountLines } from "../spec/added-accounts.ts";

/** Idempotent: lines that are there stay as they are. Raises USER_UNKNOWN when a file cannot take them. */
export function writeAccounts(zoneRoot: string, accounts: AccountLines): void {
  for (const [path, lines] of [
    ["/etc/passwd", accounts.passwd],
    ["/etc/group", accounts.group],
  ] as const) {
    if (lines.length === 0) continue;
    try {
      appendLinesInRoot(zoneRoot, path, lines);
    } catch (error) {
      throw new AgentError("USER_UNKNOWN", `cannot add ${lines.join(", ")} to the image's ${path}`, { cause: error });
    }
  }
}
