// The keys that leave a container without ending it, as Docker writes them: `ctrl-p,ctrl-q`, `a`, `ctrl-[`, …
import { AgentError } from "../errors/agent-error.ts";

export const DEFAULT_DETACH_KEYS = "ctrl-p,ctrl-q";

/** Bytes of the sequence; none for an empty text, which switches detaching off. */
export function parseDetachKeys(text: string): readonly number[] {
  if (text === "") return [];
  return text.split(",").map((key) => {
    const control = /^ctrl-([a-z@[\\\]^_])$/i.exec(key)?.[1];
    if (control !== undefined) return control.toUpperCase().charCodeAt(0) & 0x1f;
    if (/^[\x20-\x7e]$/.test(key)) return key.charCodeAt(0);
    throw new AgentError("USAGE", `"${key}" is no key to detach with`, {
      hint: 'give characters or ctrl-<a-z, @, [, \\, ], ^, _>, separated by commas: "ctrl-p,ctrl-q"',
    });
  });
}

export interface Typed {
  /** What is the container's. */
  readonly pass: Buffer;
  readonly detach: boolean;
}

/** Keeps back the beginning of the sequence until it is clear what it is; keeps its state between chunks. */
export function detachFilter(keys: readonly number[]): (chunk: Buffer) => Typed {
  let matched = 0;
  return (chunk) => {
    if (keys.length === 0) return { pass: chunk, detach: false };
    const pass: number[] = [];
    for (const byte of chunk) {
      if (byte === keys[matched]) {
        matched++;
        if (matched === keys.length) return { pass: Buffer.from(pass), detach: true };
        continue;
      }
      pass.push(...keys.slice(0, matched));
      matched = byte === keys[0] ? 1 : 0;
      if (matched === 0) pass.push(byte);
    }
    return { pass: Buffer.from(pass), detach: false };
  };
}
