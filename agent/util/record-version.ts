/**
 * True for a stored record whose `version` is above ours: after a downgrade it is the newer program's to read again, not
 * ours to move away.
 */
export function isNewerRecord(json: unknown, version: number): boolean {
  return (
    typeof json === "object" &&
    json !== null &&
    "version" in json &&
    typeof json.version === "number" &&
    json.version > version
  );
}
