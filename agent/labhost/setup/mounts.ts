import { readFileSync } from "node:fs";

/** Mount points of this machine below `directory`, the deepest and latest first. */
export function mountsBelow(directory: string): string[] {
  return readFileSync("/proc/self/mounts", "utf8")
    .split("\n")
    .map((line) => (line.split(" ")[1] ?? "").replaceAll(/\\([0-7]{3})/g, decode))
    .filter((path) => path.startsWith(`${directory}/`))
    .reverse();
}

/** /proc writes blanks as octal. */
function decode(_: string, digits: string): string {
  return String.fromCharCode(parseInt(digits, 8));
}
