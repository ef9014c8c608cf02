// Numbers as people write them. Units live in names (`memoryMiB`, `timeoutMs`); these functions are the doors.

export const KIB = 1024;
export const MIB = 1024 * KIB;
export const GIB = 1024 * MIB;

/**
 * Docker's and compose's byte sizes (`docker/go-units`): powers of 1024 whatever the case, a fraction is cut, at most
 * three letters of suffix. A plain number is bytes. Returns undefined for anything else, negative numbers included.
 */
export function parseByteSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?(?:([kmgtp])(?:i?b)?|b)?$/i.exec(text.trim());
  if (!match) return undefined;
  const power = match[2] === undefined ? 0 : "kmgtp".indexOf(match[2].toLowerCase()) + 1;
  const bytes = Math.floor(Number(match[1]) * KIB ** power);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** `1.5 GiB`, `512 MiB`, `0 B`: at most one decimal, never rounded up. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= KIB && unit < units.length - 1) {
    value /= KIB;
    unit++;
  }
  return `${unit === 0 ? value : Math.floor(value * 10) / 10} ${units[unit] ?? "B"}`;
}

/**
 * Durations as compose and Go write them: `1h30m`, `10s`, `1.5s`, `200ms`, `5us`. Milliseconds, rounded up.
 * A bare number is refused (undefined) because seconds and milliseconds are equally likely to be meant.
 */
export function parseDuration(text: string): number | undefined {
  const factors: Record<string, number> = { us: 0.001, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  const whole = /^(?:\d+(?:\.\d+)?(?:us|ms|s|m|h))+$/;
  if (!whole.test(text)) return undefined;
  let total = 0;
  for (const part of text.matchAll(/(\d+(?:\.\d+)?)(us|ms|s|m|h)/g))
    total += Number(part[1]) * (factors[part[2] ?? ""] ?? 0);
  return Math.ceil(total);
}
