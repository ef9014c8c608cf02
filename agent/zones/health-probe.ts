// One health check: a command in the zone, as the container's user, in its directory, with its variables.
import { AgentError } from "../errors/agent-error.ts";
import type { Host } from "../host/host.ts";
import type { Healthcheck } from "../spec/healthcheck.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { openExec } from "./exec.ts";
import { OUTPUT_LIMIT, type HealthResult } from "./health-state.ts";

/**
 * Runs the check in a process group of its own, and ends the group when our end of its stdin is closed: at the deadline,
 * and when we are killed. Ending zlogin would not reach a process that neither reads nor writes.
 */
export const GUARDED =
  'exec 3<&0 4>&2 2>/dev/null; set -m; "$@" </dev/null 2>&4 3<&- 4>&- & check=$!; ' +
  "{ read -r _ <&3; kill -KILL -- -$check || kill -KILL $check; } >/dev/null 4>&- & guard=$!; exec 4>&-; " +
  "wait $check; code=$?; kill -KILL -- -$guard || kill -KILL $guard; exit $code";

/** The zone's side of the deadline has this long to take effect. */
const GRACE_MS = 2_000;

/**
 * Runs it once. Never rejects for what the check or the zone does: that is a result. Rejects with the signal's reason on
 * abort, and with CONTAINER_NOT_RUNNING.
 */
export async function probeHealth(
  host: Host,
  vm: VmObject,
  check: Healthcheck,
  signal?: AbortSignal,
): Promise<HealthResult> {
  const start = new Date();
  const result = (exitCode: number, output: string): HealthResult => ({
    start: start.toISOString(),
    end: new Date().toISOString(),
    exitCode,
    output,
  });
  const [kind, ...words] = check.test;
  const command = kind === "CMD-SHELL" ? ["/bin/sh", "-c", ...words] : words;
  const bash = vm.brand === "lx" ? "/native/usr/bin/bash" : "/usr/bin/bash";
  const kept = new ClippedOutput();
  const over = new AbortController();
  const ended = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
  const time = { isUp: false };
  let grace: NodeJS.Timeout | undefined;
  const session = openExec(
    host,
    vm,
    { argv: [bash, "-c", GUARDED, "health", ...command] },
    { stdin: "pipe", signal: ended },
  );
  session.stdin?.on("error", () => undefined); // it may be gone before we close it
  const deadline = setTimeout(() => {
    time.isUp = true;
    session.stdin?.end();
    grace = setTimeout(() => over.abort(), GRACE_MS);
  }, check.timeoutMs);
  const exceeded = (): HealthResult =>
    result(-1, `Health check exceeded timeout (${check.timeoutMs} ms): ${kept.text}`);
  try {
    const { code, failure } = await session.pump((_stream, chunk) => {
      kept.push(chunk);
      return Promise.resolve();
    });
    if (time.isUp) return exceeded();
    return failure === undefined ? result(code, kept.text) : result(-1, failure.message);
  } catch (error) {
    signal?.throwIfAborted();
    if (time.isUp) return exceeded();
    if (error instanceof AgentError && error.code !== "CONTAINER_NOT_RUNNING") return result(-1, error.message);
    throw error;
  } finally {
    clearTimeout(deadline);
    clearTimeout(grace);
    session.stdin?.end();
  }
}

/** The beginning of what a check writes; `...` marks that there was more. */
class ClippedOutput {
  private readonly parts: Buffer[] = [];
  private room = OUTPUT_LIMIT;
  private clipped = false;

  push(chunk: Buffer): void {
    if (chunk.length > this.room) this.clipped = true;
    const part = chunk.subarray(0, this.room);
    this.room -= part.length;
    if (part.length > 0) this.parts.push(part);
  }

  get text(): string {
    return Buffer.concat(this.parts).toString("utf8") + (this.clipped ? "..." : "");
  }
}
