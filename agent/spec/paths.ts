import { posix } from "node:path";

/** `.` and `..` resolved, no slash at the end. */
export function cleanPath(path: string): string {
  const normal = posix.normalize(`/${path}`);
  return normal.length > 1 && normal.endsWith("/") ? normal.slice(0, -1) : normal;
}
