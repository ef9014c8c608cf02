/** dockerinit gave up: `code` is the container's exit code (1 aborts), the message goes to dockerinit's log only (dockerinit.md 4.11). */
export class DockerinitFatal extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const ERRNO_TEXTS: Readonly<Record<string, string>> = {
  EACCES: "Permission denied",
  EEXIST: "File exists",
  EINVAL: "Invalid argument",
  EIO: "I/O error",
  EISDIR: "Is a directory",
  ELOOP: "Number of symbolic links encountered during path name traversal exceeds MAXSYMLINKS",
  ENOENT: "No such file or directory",
  ENOEXEC: "Exec format error",
  ENOSPC: "No space left on device",
  ENOTDIR: "Not a directory",
  EPERM: "Not owner",
  EROFS: "Read-only file system",
};

/** illumos strerror for an error of node or of ZoneFiles. */
export function errnoText(error: unknown): string {
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "EIO";
  return ERRNO_TEXTS[code] ?? code;
}
