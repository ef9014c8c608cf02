// What imgadm's errors mean: the one table. Each row is proved by a case in test/fixtures/imgadm, taken from the reference.
//
// imgadm is always run with -E, so the last line of stderr is a bunyan record whose `err.code` and `err.message` count
// (imgadm.md 1). A code or text no row knows is never guessed at: HOST_COMMAND_FAILED, with everything in the cause.
import { AgentError } from "../errors/agent-error.ts";
import type { ErrorCode } from "../errors/codes.ts";
import { CommandError } from "../exec/errors.ts";
import { readImgadmError, type ImgadmSaid } from "./output.ts";

export type ImgadmOperation = "list" | "get" | "install" | "delete" | "ancestry" | "sources";

interface Meaning {
  readonly code: ErrorCode;
  /** The reason in our words, continuing `install image U: …`. */
  readonly why: string;
  readonly hint?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

interface Row {
  readonly name: string;
  readonly of?: readonly ImgadmOperation[];
  /** `err.code`; absent where imgadm has none for it. */
  readonly code?: RegExp;
  /** Tried on `err.message`. */
  readonly message?: RegExp;
  readonly means: (match: RegExpExecArray) => Meaning;
}

/** Characters kept of a message: it may hold all that tar had to say. */
const KEPT = 2000;

const fixed = (code: ErrorCode, why: string, hint?: string) => (): Meaning => ({
  code,
  why,
  ...(hint === undefined ? {} : { hint }),
});

/** The platform's sentence is the reason. */
const verbatim = (code: ErrorCode, hint?: string) => (match: RegExpExecArray) => ({
  code,
  why: match[0].slice(0, KEPT),
  ...(hint === undefined ? {} : { hint }),
});

export const IMGADM_ROWS: readonly Row[] = [
  {
    name: "not root",
    message: /^cannot run: you are not root\.$/,
    means: fixed("NOT_ROOT", "imgadm wants the root user", "run zonelet as root"),
  },
  {
    name: "not a global zone",
    message: /^cannot run: (this is not .*)\.$/,
    means: ([, what]) => ({ code: "HOST_UNSUPPORTED", why: what ?? "", hint: "zonelet runs in a SmartOS global zone" }),
  },
  { name: "not installed", code: /^ImageNotInstalled$/, means: fixed("IMAGE_NOT_INSTALLED", "it is not installed") },
  {
    name: "dependent clones",
    code: /^ImageHasDependentClones$/,
    message: /has dependent clones: (\S+?)(?: and (\d+) others\.\.\.)?$/,
    means: ([, first, others]) => ({
      code: "IMAGE_IN_USE",
      why: `${first ?? "?"}${others === undefined ? "" : ` and ${others} others`} are made of it`,
      hint: "delete those zones and images first",
      details: { clone: first, others: Number(others ?? 0) },
    }),
  },
  {
    name: "manifest",
    code: /^(?:InvalidManifest|ManifestValidation)$/,
    message: /^[^]*$/,
    means: verbatim("IMAGE_MANIFEST_INVALID"),
  },
  {
    name: "platform version",
    code: /^(?:MinPlatform|MaxPlatform)$/,
    message: /^[^]*$/,
    means: verbatim("IMAGE_PLATFORM", "the image is made for another version of the platform"),
  },
  {
    name: "file",
    code: /^(?:DownloadError|UncompressionError|UnexpectedNumberOfSnapshots)$/,
    message: /^[^]*$/,
    means: verbatim("IMAGE_FILE_INVALID", "the file is damaged or belongs to another image; fetch it again"),
  },
  {
    name: "file missing",
    of: ["install"],
    code: /^Usage$/,
    message: /^file path does not exist: "(.*)"$/,
    means: ([, file]) => ({ code: "IMAGE_FILE_INVALID", why: `there is no file ${file ?? "?"}` }),
  },
  {
    name: "configuration",
    code: /^ConfigError$/,
    message: /^config file "(.*)" is not valid JSON/,
    means: ([, file]) => ({
      code: "IMAGE_DATABASE_CORRUPT",
      why: `${file ?? "its configuration"} is damaged`,
      hint: `mend or remove ${file ?? "it"}; imgadm makes a new one`,
      details: { file },
    }),
  },
  {
    name: "origin missing",
    of: ["install"],
    code: /^InternalError$/,
    message: /cannot open '[^']*\/([0-9a-f-]{36})@final': dataset does not exist/,
    means: ([, origin]) => ({
      code: "IMAGE_ORIGIN_MISSING",
      why: `its origin ${origin ?? "?"} is not installed`,
      hint: "install the layers below it first",
      details: { origin },
    }),
  },
  {
    // strerror(ENOSPC, EDQUOT), as tar and zfs repeat it; the reference has no recorded text (assumed).
    name: "disk full",
    of: ["install"],
    code: /^InternalError$/,
    message: /No space left on device|Disc quota exceeded|out of space/,
    means: fixed("DISK_FULL", "the pool is full", "remove images or zones nobody needs"),
  },
  {
    name: "busy",
    of: ["delete"],
    code: /^InternalError$/,
    message: /^error deleting image [^]*cannot unmount '([^']*)': Device busy/,
    means: ([, mountpoint]) => ({
      code: "IMAGE_IN_USE",
      why: `${mountpoint ?? "its dataset"} is busy`,
      hint: `"fuser -c ${mountpoint ?? "MOUNTPOINT"}" tells which processes are in it`,
      details: { mountpoint },
    }),
  },
  {
    name: "unpacking",
    of: ["install"],
    code: /^InternalError$/,
    message: /^exec error:\s+command: \S*chroot-gtar [^]*$/,
    means: (match) => {
      const words = match[0].split("\n").filter((line) => line.startsWith("gtar: "));
      return {
        code: "IMAGE_INSTALL_FAILED",
        why: "its layer could not be unpacked",
        details: { tar: words.slice(0, 5) },
      };
    },
  },
];

/** What a failed imgadm run means. `subject` names operation and object: `install image U`. */
export function classifyImgadm(operation: ImgadmOperation, subject: string, error: CommandError): AgentError {
  const told = error.failure === "exit" ? readImgadmError(error.outcome.stderrTail) : undefined;
  const cause = readable(error, told);
  if (error.failure === "timeout") {
    const goesOn = operation === "install" || operation === "delete";
    return new AgentError("DEADLINE", `${subject}: imgadm ${goesOn ? "is still at it" : "did not answer in time"}`, {
      cause,
      ...(operation === "install" ? { hint: "trying again waits for it to end" } : {}),
    });
  }
  if (told) {
    const hit = matchImgadm(operation, told.code, told.message);
    if (hit) {
      const { code, why, hint, details } = hit.row.means(hit.match);
      return new AgentError(code, `${subject}: ${why}`, {
        cause,
        details: { ...details, platform: told.message.slice(0, KEPT) },
        ...(hint === undefined ? {} : { hint }),
      });
    }
  }
  const code = error.failure === "exit" && operation === "install" ? "IMAGE_INSTALL_FAILED" : error.code;
  return new AgentError(code, subject, { cause });
}

/** The same failure with the sentence in the place of the record, as imgadm says it without -E, and both ends cut. */
function readable(error: CommandError, told: ImgadmSaid | undefined): CommandError {
  const { stdoutTail, stderrTail } = error.outcome;
  const code = told?.code === undefined ? "" : ` (${told.code})`;
  return new CommandError(error.failure, {
    ...error.outcome,
    stdoutTail: stdoutTail.slice(-KEPT),
    stderrTail: told ? `error${code}: ${told.message.slice(0, KEPT)}` : stderrTail.slice(-KEPT),
  });
}

/** The row that answers and its match. */
export function matchImgadm(
  operation: ImgadmOperation,
  code: string | undefined,
  message: string,
): { readonly row: Row; readonly match: RegExpExecArray } | undefined {
  for (const row of IMGADM_ROWS) {
    if (row.of && !row.of.includes(operation)) continue;
    if (row.code && !(code !== undefined && row.code.test(code))) continue;
    const match = (row.message ?? /^[^]*$/).exec(message);
    if (match) return { row, match };
  }
  return undefined;
}
