const SECRET_NAME = /pass|secret|token|key|auth|credential/i;

/** `NAME=********` where the name smells of a secret; other entries as they are. */
export function maskEnv(entry: string): string {
  const equals = entry.indexOf("=");
  return equals > 0 && SECRET_NAME.test(entry.slice(0, equals)) ? `${entry.slice(0, equals)}=********` : entry;
}
