// A further process in a running container, over zlogin and dockerexec (dockerinit.md 9).
//
// The process belongs to the zone: it ends with the container, and it may outlive us. When the client is killed, zlogin
// is ended with it (exec/session.ts), which hangs up a terminal and breaks the process's pipes; one that neither reads
// nor writes goes on, as under Docker.
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { AgentError } from "../errors/agent-error.ts";
import { CommandError } from "../exec/errors.ts";
import type { CommandSession } from "../exec/session.ts";
import type { Host } from "../host/host.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { parseBootLog, type BootFailure } from "./boot-log.ts";
import { dockerexecFilter } from "./dockerexec-filter.ts";
import { planExec, type ExecRequest } from "./exec-plan.ts";
import { runningName, zloginParse } from "./zone-tools.ts";
import { zloginWords, type ZloginParse } from "./zlogin-words.ts";

export type ExecStdin =
  /** The process reads nothing. */
  | "none"
  /** What is written to the session's `stdin`. */
  | "pipe"
  /** A pseudo terminal in the zone, typed to by the terminal that is our own stdin. */
  | "terminal";

export interface ExecOptions {
  readonly stdin: ExecStdin;
  /** Ends the session (and, as far as the platform lets us, the process). */
  readonly signal?: AbortSignal | undefined;
}

export interface ExecEnd {
  /** The process's exit code; Docker's 126 or 127 where it could not be executed. 0 for a death by signal in zones without su. */
  readonly code: number;
  /** dockerexec's reason when the process never ran. */
  readonly failure: BootFailure | undefined;
}

export interface ExecSession {
  /** Ending it closes the process's stdin. Undefined unless `stdin` is `pipe`. */
  readonly stdin: Writable | undefined;
  /**
   * Hands on every byte the process writes, in order within a stream, waiting for `sink`, and resolves when it has ended.
   * With a terminal everything is `stdout`. To be called once. Rejects with EXEC_FAILED where zlogin or the zone's shell
   * did not get as far as the process, and with the signal's reason on abort.
   */
  pump(sink: (stream: "stdout" | "stderr", chunk: Buffer) => Promise<void>): Promise<ExecEnd>;
}

export function openExec(host: Host, vm: VmObject, request: ExecRequest, options: ExecOptions): ExecSession {
  const name = runningName(vm);
  const { signal } = options;
  signal?.throwIfAborted();
  const terminal = options.stdin === "terminal";
  const { words, prelude } = planExec(vm, request);
  const parse: ZloginParse = terminal ? "intact" : zloginParse(host, vm);
  const session = host.open("zlogin", {
    args: ["-Q", ...(terminal ? ["-i"] : []), vm.zonename, ...zloginWords(words, parse)],
    stdin: terminal ? "terminal" : options.stdin === "pipe" ? "pipe" : "ignore",
  });
  const onAbort = (): void => session.stop();
  signal?.addEventListener("abort", onAbort, { once: true });

  return {
    stdin: session.stdin,
    pump: async (sink) => {
      // A pseudo terminal merges both streams; what is left on zlogin's stderr then are its own complaints.
      const filter = dockerexecFilter();
      const told = terminal ? "stdout" : "stderr";
      let complaints = "";
      let silence: NodeJS.Timeout | undefined;
      const hand = async (stream: "stdout" | "stderr", chunk: Buffer): Promise<void> => {
        const rest = prelude && stream === told ? filter.push(chunk) : chunk;
        if (rest.length === 0) return;
        if (terminal && stream === "stderr") complaints = (complaints + rest.toString("utf8")).slice(-4096);
        await sink(stream, rest);
      };
      try {
        const activity: Activity = { busy: 0, lastMs: 0 };
        const reads = Promise.all([
          each(session.stdout, activity, (chunk) => hand("stdout", chunk)),
          each(session.stderr, activity, (chunk) => hand("stderr", chunk)),
        ]);
        await Promise.race([session.exited, reads]);
        silence = closeWhenSilent(session, activity);
        await reads;
        const end = await session.ended;
        signal?.throwIfAborted();
        const known = filter.prelude;
        if (known.state === "failed") return { code: known.failure.dockerCode ?? 126, failure: known.failure };
        if (prelude && known.state === "talking")
          throw notBegun(name, filter.before || complaints.trim(), end.exitCode);
        return { code: end.exitCode ?? 137, failure: undefined };
      } finally {
        clearInterval(silence);
        signal?.removeEventListener("abort", onAbort);
        session.stop();
      }
    },
  };
}

/** How long a detached process is watched for a failure to begin. */
const DETACHED_MS = 700;

/**
 * Starts a process nobody waits for: it goes on when we end, and its streams lead nowhere. Resolves when it has ended, or
 * runs for a moment without having failed; `code` is then 0.
 */
export async function execDetached(host: Host, vm: VmObject, request: ExecRequest): Promise<ExecEnd> {
  runningName(vm);
  const { words } = planExec(vm, { ...request, silent: true });
  try {
    await host.run("zlogin", {
      args: ["-Q", vm.zonename, ...zloginWords(words, zloginParse(host, vm))],
      timeoutMs: DETACHED_MS,
      mutates: true, // is left running when our patience ends
    });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    if (error.failure === "timeout") return { code: 0, failure: undefined };
    if (error.failure !== "exit") throw error;
    const failure = parseBootLog(error.outcome.stderrTail);
    return { code: failure ? (failure.dockerCode ?? 126) : (error.outcome.exitCode ?? 126), failure };
  }
  return { code: 0, failure: undefined };
}

function notBegun(name: string, words: string, exitCode: number | undefined): AgentError {
  const last = words.split("\n").at(-1) ?? "";
  const reason = last === "" ? `zlogin exited ${exitCode ?? "by a signal"}` : printable(last);
  return new AgentError("EXEC_FAILED", `exec in "${name}" did not get as far as the command: ${reason}`, {
    hint: /only to running zones/.test(words) ? `start it: zonelet start ${name}` : "does the container still run?",
  });
}

function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, "?").slice(0, 500);
}

/** How long the streams of a process that has ended may stay silent and open: a child it left behind may hold them for ever. */
const SILENCE_MS = 1_000;

interface Activity {
  busy: number;
  lastMs: number;
}

/** Hands on every chunk, and notes when one was on its way. */
async function each(stream: Readable, activity: Activity, work: (chunk: Buffer) => Promise<void>): Promise<void> {
  try {
    for await (const chunk of stream) {
      if (!Buffer.isBuffer(chunk)) continue;
      activity.busy++;
      await work(chunk);
      activity.busy--;
      activity.lastMs = performance.now();
    }
  } catch (error) {
    if (!isPremature(error)) throw error;
  }
}

function closeWhenSilent(session: CommandSession, activity: Activity): NodeJS.Timeout {
  activity.lastMs = performance.now();
  return setInterval(() => {
    if (activity.busy > 0 || performance.now() - activity.lastMs < SILENCE_MS) return;
    session.stdout.destroy();
    session.stderr.destroy();
  }, SILENCE_MS / 4);
}

function isPremature(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_STREAM_PREMATURE_CLOSE";
}

/** Copies `from` to the process until either ends; the end of `from` becomes the end of the process's stdin. Never rejects. */
export async function feed(from: Readable, to: Writable): Promise<void> {
  // The process may stop reading whenever it likes.
  await pipeline(from, to).catch(() => undefined);
}
