const CR = 0x0d;
const LF = 0x0a;
const DOT = 0x2e;

export interface Filtered {
  readonly pass: Buffer;
  readonly disconnect: boolean;
}

/**
 * zlogin's escapes, for pipes as for terminals (dockerinit.md 6.5): at the start of a line the escape character is
 * swallowed, and followed by a dot it disconnects. `undefined` switches them off. Keeps its state between chunks.
 */
export function escapeFilter(escape: string | undefined): (chunk: Buffer) => Filtered {
  const code = escape?.charCodeAt(0);
  let atStart = true;
  let escaped = false;
  return (chunk) => {
    if (code === undefined) return { pass: chunk, disconnect: false };
    const pass: number[] = [];
    for (const byte of chunk) {
      if (escaped && byte === DOT) return { pass: Buffer.from(pass), disconnect: true };
      const swallow = atStart && !escaped && byte === code;
      escaped = swallow;
      atStart = byte === CR || byte === LF;
      if (!swallow) pass.push(byte);
    }
    return { pass: Buffer.from(pass), disconnect: false };
  };
}
