// The platform's own programs, run in a container's zone as its root: what they touch, they touch inside the zone, however
// a tenant turns the paths meanwhile. The tenant's programs are not trusted with it (users-and-ecosystem.md E3).
import { AgentError } from "../errors/agent-error.ts";
import { CommandError } from "../exec/errors.ts";
import type { CommandSession } from "../exec/session.ts";
import type { Host } from "../host/host.ts";
import { resolveInRoot } from "../host/in-root.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { containerName } from "./find.ts";
import { zloginWords, type ZloginParse } from "./zlogin-words.ts";

export const NATIVE = {
  bash: "/native/usr/bin/bash",
  gtar: "/native/usr/bin/gtar",
  ps: "/native/usr/bin/ps",
} as const;

/** zlogin has su(1) read the words where the zone has one (dockerinit.md 9.1); links are followed inside the zone only. */
export function zloginParse(host: Host, vm: VmObject): ZloginParse {
  const root = host.paths.inGlobalZone(`${vm.zonepath}/root`);
  return ["/usr/bin/su", "/bin/su"].some((path) => resolveInRoot(root, path) !== undefined) ? "shell" : "intact";
}

/** Its name for people. Raises CONTAINER_NOT_RUNNING. */
export function runningName(vm: VmObject): string {
  const name = containerName(vm);
  if (vm.state === "running") return name;
  throw new AgentError("CONTAINER_NOT_RUNNING", `container "${name}" is not running`, {
    hint: `start it: zonelet start ${name}`,
  });
}

export interface ZoneToolOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds; default 30 s. */
  readonly timeoutMs?: number;
}

/** What the program printed, at most 4 MiB. Rejects with the CommandError where it did not exit 0. */
export async function runInZone(
  host: Host,
  vm: VmObject,
  argv: readonly string[],
  options: ZoneToolOptions = {},
): Promise<string> {
  runningName(vm);
  const { stdout } = await host.run("zlogin", {
    args: ["-Q", vm.zonename, ...zloginWords(argv, zloginParse(host, vm))],
    timeoutMs: options.timeoutMs ?? 30_000,
    mutates: false,
    maxBuffer: 4 * 1024 * 1024,
    signal: options.signal,
  });
  return stdout;
}

/** Starts the program with its streams connected to us. */
export function openInZone(
  host: Host,
  vm: VmObject,
  argv: readonly string[],
  stdin: "pipe" | "ignore",
): CommandSession {
  runningName(vm);
  return host.open("zlogin", { args: ["-Q", vm.zonename, ...zloginWords(argv, zloginParse(host, vm))], stdin });
}

/** The program's last words, safe for a terminal. */
export function lastWords(error: unknown): string {
  return error instanceof CommandError ? error.lastStderrLine.replace(/\p{Cc}/gu, "?") : "";
}
