// Removes rotated log files: zoneadmd makes them and nothing on the platform ever takes them away (dockerinit.md 6.4), so
// Docker's `max-file` has no effect without this. Where a command is configured, a file is handed to it first and goes
// only when it succeeded.
import { unlink } from "node:fs/promises";
import type { CommandRunner } from "../exec/command.ts";
import { inlineChain } from "../errors/chain.ts";
import type { HostPaths } from "../host/paths.ts";
import type { Logger } from "../log/logger.ts";
import { acquireLock } from "../util/lock.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { listLogFiles, logBytes, type LogFile } from "./files.ts";

export interface JanitorSettings {
  /** Files kept of a log, the current one included, where the container says nothing. Undefined: all. */
  readonly maxFile?: number | undefined;
  /** Run for each file before it is removed, its path as the last argument. */
  readonly archive?: { readonly command: readonly string[]; readonly timeoutSeconds: number } | undefined;
}

export interface Tidied {
  readonly removed: number;
  readonly bytes: number;
  /** Files that should have gone and are still there, with the reason. */
  readonly kept: readonly { readonly path: string; readonly reason: string }[];
  /** Another janitor is at work: nothing was done. */
  readonly busy: boolean;
}

export interface LogJanitor {
  /**
   * Removes the rotated files of these zones that are too many, oldest first. Only zones the agent made. May be repeated
   * and aborted at any time; a zone whose file cannot be archived is left for the next time. Never more than
   * {@link MAX_FILES} files at once, and never two janitors at a time.
   */
  tidy(zones: readonly VmObject[], signal?: AbortSignal): Promise<Tidied>;
}

export interface JanitorDependencies {
  readonly paths: HostPaths;
  readonly runner: Pick<CommandRunner, "run">;
  readonly settings: JanitorSettings;
  readonly log: Logger;
}

/** In one go: the daemon has other things to do, and comes again. */
const MAX_FILES = 500;

export function createLogJanitor({ paths, runner, settings, log }: JanitorDependencies): LogJanitor {
  async function archive(file: LogFile, signal: AbortSignal | undefined): Promise<void> {
    const [path, ...args] = settings.archive?.command ?? [];
    if (settings.archive === undefined || path === undefined) return;
    await runner.run({
      path,
      args: [...args, file.path],
      timeoutMs: settings.archive.timeoutSeconds * 1000,
      mutates: false,
      signal,
      maxBuffer: 1024 * 1024,
    });
  }

  return {
    tidy: async (zones, signal) => {
      const kept: Tidied["kept"][number][] = [];
      const result = { removed: 0, bytes: 0, kept, busy: false };
      const lock = await acquireLock(`${paths.locks}/log-janitor.lock`, { timeoutMs: 0 });
      if (!lock) return { ...result, busy: true };
      try {
        for (const vm of zones) {
          for (const file of await surplus(paths, vm, settings.maxFile)) {
            if (signal?.aborted === true || result.removed >= MAX_FILES) return result;
            try {
              await archive(file, signal);
              await unlink(file.path);
              result.removed++;
              result.bytes += file.bytes;
            } catch (error) {
              // The order in the archive matters more than the room: no newer file goes before this one.
              result.kept.push({ path: file.path, reason: inlineChain(error) });
              log.warn(
                { zone: vm.uuid, file: file.path, reason: inlineChain(error) },
                "rotated log could not be removed",
              );
              break;
            }
          }
        }
        if (result.removed > 0) log.info({ files: result.removed, bytes: result.bytes }, "rotated logs removed");
        return result;
      } finally {
        lock.release();
      }
    },
  };
}

/** Rotated files beyond the number to keep, oldest first. */
async function surplus(paths: HostPaths, vm: VmObject, fallback: number | undefined): Promise<LogFile[]> {
  if (vm.internal_metadata["zonelet:version"] === undefined) return [];
  const keep = maxFile(vm) ?? fallback;
  if (keep === undefined) return [];
  const files = await listLogFiles(logDirectory(paths, vm));
  return files.filter(({ rotatedAt }) => rotatedAt !== undefined).slice(0, Math.max(0, files.length - keep));
}

/** `max-file` of the container's own log options. */
function maxFile(vm: VmObject): number | undefined {
  try {
    const options: unknown = JSON.parse(String(vm.internal_metadata["docker:logconfig"]));
    if (typeof options !== "object" || options === null || !("max-file" in options)) return undefined;
    const count = Number(options["max-file"]);
    return Number.isSafeInteger(count) && count >= 1 ? count : undefined;
  } catch {
    return undefined;
  }
}

function logDirectory(paths: Pick<HostPaths, "inGlobalZone">, vm: VmObject): string {
  return paths.inGlobalZone(`${vm.zonepath}/logs`);
}

/** Bytes of a zone's log on disk, rotated files included. For `system df`. */
export function zoneLogBytes(paths: Pick<HostPaths, "inGlobalZone">, vm: VmObject): Promise<number> {
  return logBytes(logDirectory(paths, vm));
}
