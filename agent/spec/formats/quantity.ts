// Quantities as Kubernetes and App Container write them: `250m`, `1.5Gi`, `129e6` (container-specs.md 1). Not Docker's:
// there `m` is 2^20, here it is a thousandth. Exact arithmetic, since 0.1 + 0.2 must not cost a core.

/** Longest text taken and largest exponent: beyond them nothing fits a node, and big numbers cost time. */
const MAX_LENGTH = 64;
const MAX_EXPONENT = 40;

const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const BINARY = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

/** A quantity in units of `1 / perUnit`, rounded up; undefined for what is no quantity or exceeds 2^53. */
export function parseQuantity(text: string, perUnit = 1): number | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const match = /^([+-]?)(\d+\.?\d*|\.\d+)(?:[eE]([+-]?\d{1,3})|([KMGTPE]i|[numkMGTPE]))?$/.exec(text);
  if (!match) return undefined;
  const [, sign, number = "", exponent, suffix = ""] = match;
  const [whole = "", fraction = ""] = number.split(".");
  const power = (exponent === undefined ? (DECIMAL[suffix] ?? 0) : Number(exponent)) - fraction.length;
  if (Math.abs(power) > MAX_EXPONENT) return undefined;
  const binary = 1024n ** BigInt(BINARY.indexOf(suffix) + 1);
  const numerator = BigInt(`${whole}${fraction}`) * binary * BigInt(perUnit) * 10n ** BigInt(Math.max(power, 0));
  const denominator = 10n ** BigInt(Math.max(-power, 0));
  const signed = sign === "-" ? -numerator : numerator;
  const quotient = signed / denominator;
  const result = Number(quotient * denominator < signed ? quotient + 1n : quotient);
  return Number.isSafeInteger(result) ? result : undefined;
}

/** Cores, rounded up to thousandths. */
export function parseCoresQuantity(text: string): number | undefined {
  const thousandths = parseQuantity(text, 1000);
  return thousandths === undefined ? undefined : thousandths / 1000;
}
