// Reading what imgadm prints (imgadm.md 1, 3.6). Pure.
import { z } from "zod";

export interface ImgadmSaid {
  readonly code: string | undefined;
  readonly message: string;
}

const record = z.looseObject({
  level: z.number().min(50),
  err: z.looseObject({ message: z.string(), code: z.string().optional() }),
});

const PLAIN = /^imgadm(?: [\w-]+)?: error(?: \((\w+)\))?: ([^]*)$/;

/** The error of a failed run: the last line's record, or the plain sentence imgadm prints before it knows of -E. */
export function readImgadmError(stderr: string): ImgadmSaid | undefined {
  const last = stderr.trimEnd().split("\n").at(-1) ?? "";
  const parsed = record.safeParse(parseOrUndefined(last));
  if (parsed.success) return { code: parsed.data.err.code, message: parsed.data.err.message };
  const plain = PLAIN.exec(stderr.slice(Math.max(0, stderr.search(/^imgadm(?: [\w-]+)?: error/m))).trim());
  return plain ? { code: plain[1], message: plain[2] ?? "" } : undefined;
}

/** Which of its exit-0 endings install took; undefined: none we know. */
export function readInstallEnding(stdout: string): "installed" | "present" | undefined {
  if (/^Image \S+ (?:\(.*\) )?(?:is already installed, skipping|was installed while waiting on lock)$/m.test(stdout))
    return "present";
  return /^Installed image \S+ \(.*\)$/m.test(stdout) ? "installed" : undefined;
}

/** Death by an uncaught JSON error: some manifest file of imgadm's own is damaged (imgadm.md 2). */
export function diedOfJson(stderr: string): boolean {
  return /SyntaxError|Unexpected (?:token|end of)|JSON/.test(stderr);
}

function parseOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
