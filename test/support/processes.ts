import { readdirSync, readFileSync } from "node:fs";

/** Processes of the machine whose command line holds `text`. */
export function processes(text: string): string[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return line.includes(text) && Number(pid) !== process.pid ? [line] : [];
      } catch {
        return [];
      }
    });
}
