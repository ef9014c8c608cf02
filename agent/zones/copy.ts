// Files between a container and the machine.
//
// While it runs, the container's side is done in its zone by the platform's tar (dockerinit.md 9.5): a tenant who swaps
// links while we copy leads it round inside the zone only. While it does not, nobody can swap any: its root is read and
// written from here, links followed inside of it only; the caller keeps it from being started by us meanwhile. The
// machine's side never opens a path that an archive of the tenant's could have bent (unpack-tree.ts).
import { lstat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { join, posix } from "node:path";
import { AgentError } from "../errors/agent-error.ts";
import type { CommandSession } from "../exec/session.ts";
import type { Host } from "../host/host.ts";
import { resolveInRoot } from "../host/in-root.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { containerName } from "./find.ts";
import { packTree } from "./pack-tree.ts";
import { unpackTree } from "./unpack-tree.ts";
import { NATIVE, openInZone, runInZone, runningName } from "./zone-tools.ts";

export interface CopyOptions {
  readonly signal?: AbortSignal | undefined;
}

export type PathKind = "directory" | "file" | "missing";

/** Prints what a path is: `d`, `f` for everything else that is there, nothing. */
const KIND = 'if [ -d "$1" ]; then echo d; elif [ -e "$1" ] || [ -L "$1" ]; then echo f; fi';

/** What the platform mounts into a running container's root (dockerinit.md 2): no part of its files, and without end. */
export const PLATFORM_MOUNTS = [".zonecontrol", "checkpoints", "dev", "native", "proc", "sys", "system"] as const;

/** What is at a path in the container, links followed. */
export async function kindInZone(host: Host, vm: VmObject, path: string, options: CopyOptions = {}): Promise<PathKind> {
  const root = quietRoot(host, vm);
  if (root !== undefined) {
    const place = resolveInRoot(root, path);
    if (place !== undefined) return (await lstat(place)).isDirectory() ? "directory" : "file";
    // A link that leads nowhere is there all the same.
    const directory = resolveInRoot(root, posix.dirname(path));
    const link =
      directory === undefined ? undefined : await lstat(join(directory, posix.basename(path))).catch(() => undefined);
    return link === undefined ? "missing" : "file";
  }
  const text = await runInZone(host, vm, [NATIVE.bash, "-c", KIND, "kind", path], options);
  return text.startsWith("d") ? "directory" : text.startsWith("f") ? "file" : "missing";
}

/** Every name in a directory, those with a dot in front as well, each ended by a NUL. */
const NAMES = 'cd "$1" && for n in * .[!.]* ..?*; do if [ -e "$n" ] || [ -L "$n" ]; then printf "%s\\0" "$n"; fi; done';

async function namesInZone(host: Host, vm: VmObject, directory: string, options: CopyOptions): Promise<string[]> {
  const text = await runInZone(host, vm, [NATIVE.bash, "-c", NAMES, "names", directory], options);
  return text.split("\0").slice(0, -1);
}

/** A path in the container: absolute, `..` resolved as text; a relative one begins at `/`, as Docker has it. */
export function zonePath(path: string): string {
  if (path.includes("\0")) throw new AgentError("USAGE", "a path cannot hold a NUL");
  return posix.normalize(`/${path}`);
}

/**
 * Hands a tar of `path` to `consume`. Its entries begin with the path's last name, or with `.` where the path ends in `/.`
 * or is the root. `follow`: links are read as what they lead to, inside the zone. `exclude`: names below the path that
 * are left out of a running container's. Rejects when tar fails, after `consume`.
 */
export async function readTree(
  host: Host,
  vm: VmObject,
  path: string,
  consume: (tar: Readable) => Promise<void>,
  options: CopyOptions & { readonly follow?: boolean; readonly exclude?: readonly string[] } = {},
): Promise<void> {
  const whole = zonePath(path);
  const contents = path.endsWith("/.") || whole === "/";
  const [directory, base] = contents ? [whole, "."] : [posix.dirname(stripped(whole)), posix.basename(whole)];
  const root = quietRoot(host, vm);
  if (root !== undefined) {
    // Where the source itself is a link it is resolved here: reading through it would leave the root.
    const within = resolveInRoot(root, options.follow === true ? whole : directory);
    if (within === undefined) throw new AgentError("COPY_FAILED", `${path} does not exist in "${containerName(vm)}"`);
    const from = contents || options.follow === true ? within : join(within, base);
    await consume(packTree({ from, as: base, owners: true, follow: false }));
    return;
  }
  const name = runningName(vm);
  const flags = options.follow === true ? "chf" : "cf";
  const parts =
    contents && options.exclude !== undefined
      ? (await namesInZone(host, vm, directory, options)).filter((one) => !options.exclude?.includes(one))
      : [base];
  const words = parts.map((part) => `./${part}`);
  const session = openInZone(host, vm, [NATIVE.gtar, flags, "-", "-C", directory, ...words], "ignore");
  await withSession(session, options, `copy ${path} from "${name}"`, () => consume(session.stdout));
}

/** Unpacks `tar` into a directory of the container, over what is there. Rejects when tar fails there. */
export async function writeTree(
  host: Host,
  vm: VmObject,
  directory: string,
  tar: Readable,
  options: CopyOptions = {},
): Promise<void> {
  const root = quietRoot(host, vm);
  if (root !== undefined) {
    const into = resolveInRoot(root, zonePath(directory));
    if (into === undefined)
      throw new AgentError("COPY_FAILED", `${directory} does not exist in "${containerName(vm)}"`);
    await unpackTree(tar, { into, owners: true });
    return;
  }
  const name = runningName(vm);
  const argv = [NATIVE.gtar, "xf", "-", "--overwrite", "-C", zonePath(directory)];
  const session = openInZone(host, vm, argv, "pipe");
  session.stdout.resume();
  await withSession(session, options, `copy to ${directory} in "${name}"`, async () => {
    if (session.stdin) await pipeline(tar, session.stdin);
  });
}

/** Root of a container none of whose processes is there to bend a path. */
function quietRoot(host: Host, vm: VmObject): string | undefined {
  return vm.state === "stopped" ? host.paths.inGlobalZone(`${vm.zonepath}/root`) : undefined;
}

async function withSession(
  session: CommandSession,
  { signal }: CopyOptions,
  what: string,
  work: () => Promise<void>,
): Promise<void> {
  const onAbort = (): void => session.stop();
  signal?.addEventListener("abort", onAbort, { once: true });
  let said = "";
  session.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString("utf8")).slice(-4096)));
  let failure: Error | undefined;
  try {
    await work();
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error));
    session.stop();
  }
  const end = await session.ended;
  signal?.removeEventListener("abort", onAbort);
  signal?.throwIfAborted();
  // Where tar gave up first, its words tell why; our broken pipe is the consequence.
  if (failure !== undefined && !isBrokenPipe(failure)) throw failure;
  if (end.exitCode === 0 && failure === undefined) return;
  const words =
    said
      .trim()
      .split("\n")
      .at(-1)
      ?.replace(/\p{Cc}/gu, "?") ?? "";
  throw new AgentError(
    "COPY_FAILED",
    `${what}: ${words === "" ? `tar exited ${end.exitCode ?? "by a signal"}` : words}`,
  );
}

function isBrokenPipe(error: Error): boolean {
  return "code" in error && ["EPIPE", "ERR_STREAM_PREMATURE_CLOSE", "ECONNRESET"].includes(String(error.code));
}

function stripped(path: string): string {
  return path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path;
}
