/** A failure vmadm reports as one message on stderr, with exit status 1 unless told otherwise. */
export class VmError extends Error {
  readonly exit: number;
  constructor(message: string, exit = 1) {
    super(message);
    this.exit = exit;
  }

  /** The same failure as a caller further out words it. */
  prefixed(prefix: string): VmError {
    return new VmError(`${prefix}${this.message}`, this.exit);
  }
}

/** Wrong use of the command: the message, then the usage text, exit status 2. */
export class UsageError extends Error {}

/** Something the platform does not catch: a stack trace on stderr and SIGABRT (vmadm.md 1). */
export class UncaughtError extends Error {}

/** Errors that passed through a parallel step (vmadm.md 1). */
export function firstOf(error: VmError, count = 1): VmError {
  return error.prefixed(`first of ${count} error${count === 1 ? "" : "s"}: `);
}
