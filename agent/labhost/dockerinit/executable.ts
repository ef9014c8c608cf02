// Finding what argv[0] names, the way dockerinit does (dockerinit.md 4.6): only the owner's execute bit counts, no shell
// is involved, and there are no exit codes 126 and 127.
import { closeSync, openSync, readSync } from "node:fs";
import { DEFAULT_PATH } from "./environment.ts";
import { DockerinitFatal, errnoText } from "./fatal.ts";
import { InRootError, type Resolved, type ZoneFiles } from "../runtime/in-root.ts";

const OWNER_EXECUTE = 0o100;

/** `log` gets a TRYPATH line for each candidate. Throws DockerinitFatal 17, 25, 26, 27. Resolves to the path to execute. */
export function findExecutable(
  files: ZoneFiles,
  command: string,
  { workdir, env, log }: { workdir: string; env: readonly string[]; log: (line: string) => void },
): string {
  if (command.includes("/")) return checkPath(files, command, workdir);
  const path = env.find((entry) => entry.startsWith("PATH="))?.slice("PATH=".length) ?? DEFAULT_PATH;
  for (const element of path.split(":")) {
    const directory = element.startsWith("/") ? element : `${workdir}/${element}`;
    const candidate = normalise(`${directory}/${command}`);
    log(`TRYPATH "${candidate}"`);
    const found = stat(files, candidate, workdir);
    if (found instanceof InRootError || found.stats === undefined) continue;
    if (!found.stats.isDirectory() && (found.stats.mode & OWNER_EXECUTE) !== 0) return candidate;
  }
  throw new DockerinitFatal(17, `'${command}' not found in PATH`);
}

function checkPath(files: ZoneFiles, command: string, workdir: string): string {
  const found = stat(files, command, workdir);
  if (found instanceof InRootError) throw new DockerinitFatal(25, `stat(${command}): ${errnoText(found)}`);
  if (found.stats === undefined)
    throw new DockerinitFatal(25, `stat(${command}): ${errnoText(new InRootError("ENOENT", command))}`);
  if (found.stats.isDirectory()) throw new DockerinitFatal(26, `stat(${command}): is a directory`);
  if ((found.stats.mode & OWNER_EXECUTE) === 0) throw new DockerinitFatal(27, `stat(${command}): is not executable`);
  return normalise(command);
}

function stat(files: ZoneFiles, path: string, from: string): Resolved | InRootError {
  try {
    return files.resolve(path, { from });
  } catch (error) {
    if (error instanceof InRootError) return error;
    throw error;
  }
}

function normalise(path: string): string {
  return path.replaceAll(/\/{2,}/g, "/");
}

export interface Credentials {
  readonly uid: number;
  readonly groups: readonly number[];
}

/**
 * What execve(2) would say about the file, asked beforehand because the program that finally executes it (util-linux)
 * would answer in its own way: a file without a known format would be handed to a shell. Throws DockerinitFatal 3.
 */
export function checkExecve(files: ZoneFiles, path: string, from: string, who: Credentials, depth = 0): void {
  const refuse = (code: string): DockerinitFatal =>
    new DockerinitFatal(3, `execve(${path}) failed: ${errnoText(new InRootError(code, path))}`);
  const found = stat(files, path, from);
  if (found instanceof InRootError) throw refuse(found.code);
  const stats = found.stats;
  if (stats === undefined) throw refuse("ENOENT");
  if (!stats.isFile() || !mayExecute(stats, who)) throw refuse("EACCES");
  const head = readHead(found.onHost);
  if (head.subarray(0, 4).toString("latin1") === "\x7fELF") return;
  if (head.subarray(0, 2).toString("latin1") !== "#!" || depth > 4) throw refuse(depth > 4 ? "ELOOP" : "ENOEXEC");
  const interpreter = /^#![ \t]*([^ \t\r\n]+)/.exec(head.toString("latin1"))?.[1];
  if (interpreter === undefined) throw refuse("ENOEXEC");
  try {
    checkExecve(files, interpreter, from, who, depth + 1);
  } catch (error) {
    if (!(error instanceof DockerinitFatal)) throw error;
    throw new DockerinitFatal(
      3,
      `execve(${path}) failed: ${error.message.slice(error.message.indexOf("failed: ") + 8)}`,
    );
  }
}

function mayExecute(stats: { mode: number; uid: number; gid: number }, { uid, groups }: Credentials): boolean {
  if (uid === 0) return (stats.mode & 0o111) !== 0;
  if (stats.uid === uid) return (stats.mode & 0o100) !== 0;
  if (groups.includes(stats.gid)) return (stats.mode & 0o010) !== 0;
  return (stats.mode & 0o001) !== 0;
}

function readHead(path: string): Buffer {
  const head = Buffer.alloc(256);
  const fd = openSync(path, "r");
  try {
    return head.subarray(0, readSync(fd, head));
  } finally {
    closeSync(fd);
  }
}
