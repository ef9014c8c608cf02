/**
 * Why a string cannot reach a process through dockerinit's JSON reader, or undefined when it can (dockerinit.md 1.1).
 * That reader takes the digits of `\uXXXX` as decimal, so only characters that JSON writes without `\u` survive.
 */
export function metadataTextFault(text: string): string | undefined {
  const control = /[\0-\x07\x0b\x0e-\x1f]/.exec(text);
  if (control)
    return `contains the control character 0x${control[0].charCodeAt(0).toString(16).padStart(2, "0")}, which the platform's container init cannot carry`;
  return text.isWellFormed() ? undefined : "is not valid Unicode";
}
