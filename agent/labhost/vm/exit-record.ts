// `<zonepath>/lastexited` (vmadm.md 11; dockerinit.md 5.1).

export interface ExitRecord {
  readonly exit_status: number;
  readonly exit_timestamp: string;
}

/** undefined for a text that is no record. The fraction is read as printed, unpadded microseconds included. */
export function parseExitRecord(text: string): ExitRecord | undefined {
  const match = /^(\d+)\.(\d+) (-?\d+)\n?$/.exec(text);
  if (!match) return undefined;
  const time = new Date(Number(`${match[1] ?? "0"}.${match[2] ?? "0"}`) * 1000);
  return { exit_status: exitStatus(Number(match[3])), exit_timestamp: time.toISOString() };
}

/** A wait status of the platform to `exit_status`: -1 is an administrative halt. */
function exitStatus(status: number): number {
  if (status === -1) return 0;
  return (status & 0xff) === 0 ? status >> 8 : -(status & 0xff);
}
