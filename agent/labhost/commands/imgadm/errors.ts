// How imgadm fails: a code, a sentence, an exit status (imgadm.md 1 and 4).

/** `imgadm <subcommand>: error (<code>): <message>`; errors without a code exist, too. */
export class ImgadmError extends Error {
  readonly code: string | undefined;
  readonly exitStatus: number;

  constructor(code: string | undefined, message: string, exitStatus = 1) {
    super(message);
    this.code = code;
    this.exitStatus = exitStatus;
  }
}

/** A JavaScript error imgadm does not catch: it prints a stack and aborts, even with `-E` (imgadm.md 1). */
export class ImgadmCrash extends Error {}

export function usageError(message: string): ImgadmError {
  return new ImgadmError("Usage", message);
}

export function notInstalled(uuid: string, pool: string): ImgadmError {
  return new ImgadmError("ImageNotInstalled", `image "${uuid}" was not found on zpool "${pool}"`, 3);
}

/** A program imgadm ran and that failed; `argv` for those run directly, `command` for those run by a shell (imgadm.md 3.6). */
export function execError(
  ran: { readonly argv: readonly string[] } | { readonly command: string },
  status: number | undefined,
  stdout: string,
  stderr: string,
): ImgadmError {
  const what = "argv" in ran ? `argv: ${JSON.stringify(ran.argv)}` : `command: ${ran.command}`;
  return new ImgadmError(
    "InternalError",
    `exec error:\n\t${what}\n\texit status: ${String(status)}\n\tstdout:\n${stdout.trim()}\n\tstderr:\n${stderr.trim()}`,
  );
}

/** The last line of stderr with `-E`: one bunyan record (imgadm.md 1). */
export function errorRecord(
  error: ImgadmError,
  about: { readonly requestId: string; readonly hostname: string; readonly pid: number; readonly time: string },
): string {
  return JSON.stringify({
    name: "imgadm",
    req_id: about.requestId,
    hostname: about.hostname,
    pid: about.pid,
    level: 50,
    err: { message: error.message, name: "WError", stack: error.stack ?? "", code: error.code },
    msg: error.message,
    time: about.time,
    v: 0,
  });
}
