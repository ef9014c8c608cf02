// Reading vmadm's stderr (vmadm.md 1). Pure.

/** What vmadm said, without the log records a set VMADM_DEBUG_LEVEL mixes in. */
export interface Said {
  /** All human text, prefixes included. */
  readonly text: string;
  /** The message: the last line, or everything from `Command failed:` on, without the prefixes that name the operation. */
  readonly message: string;
}

const PREFIXES =
  /^(?:(?:Unable to (?:start|get VM info for) VM|Failed to (?:delete|reprovision) VM) [0-9a-f-]{36}: |first of \d+ errors?: )+/;

export function readStderr(stderr: string): Said {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "" && !isLogRecord(line));
  // With wrong usage the message is first and the usage text follows it.
  const usage = lines.findIndex((line) => line.startsWith("Usage: "));
  const told = usage > 0 ? lines.slice(0, usage) : lines;
  const failed = told.findIndex((line) => line.includes("Command failed: "));
  const message = failed >= 0 ? told.slice(failed).join("\n") : (told.at(-1) ?? "");
  return { text: lines.join("\n"), message: stripPrefixes(message) };
}

/** Removes what vmadm and its parallel steps put in front of a message, repeatedly. */
export function stripPrefixes(message: string): string {
  return message.trim().replace(PREFIXES, "");
}

/** A bunyan record: one line, one object, with a level. */
function isLogRecord(line: string): boolean {
  return line.startsWith("{") && /"level":\d+/.test(line) && line.trimEnd().endsWith("}");
}
