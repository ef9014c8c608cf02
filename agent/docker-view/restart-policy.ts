// `docker:restartpolicy` and what the platform makes of it (sdc-docker.md 6, dockerinit.md 5.3). The platform restarts,
// never the agent: this only tells what it will do.
export interface RestartPolicy {
  /** `no` where the platform does not restart; a name it does not know counts as none. */
  readonly name: "no" | "always" | "on-failure";
  /** 0: without limit. */
  readonly maximumRetryCount: number;
}

const NONE: RestartPolicy = { name: "no", maximumRetryCount: 0 };

export function parseRestartPolicy(metadata: unknown): RestartPolicy {
  if (metadata === "always") return { name: "always", maximumRetryCount: 0 };
  const onFailure = typeof metadata === "string" ? /^on-failure(?::(\d+))?$/.exec(metadata) : null;
  return onFailure ? { name: "on-failure", maximumRetryCount: Number(onFailure[1] ?? 0) } : NONE;
}

export interface StoppedRun {
  readonly policy: RestartPolicy;
  /** Cleared by every stop that was asked for. */
  readonly autoboot: boolean;
  /** The platform's: negative for a signal. Undefined: not known. */
  readonly exitStatus: number | undefined;
  readonly restartCount: number;
}

/**
 * Milliseconds from the end of a run to the next start by policy (dockerinit.md 5.3). `recorded`: `docker:restartdelay`.
 * Undefined: how long the run lasted is not known, and it matters.
 */
export function restartDelayMs(run: {
  readonly recorded: number | undefined;
  readonly restartCount: number;
  readonly ranForMs: number | undefined;
}): number | undefined {
  if (run.ranForMs === undefined) return undefined;
  if (run.ranForMs > LONG_RUN_MS) return FIRST_DELAY_MS;
  return run.recorded ?? FIRST_DELAY_MS * 2 ** run.restartCount;
}

const LONG_RUN_MS = 10_000;
const FIRST_DELAY_MS = 100;

/** Will the platform start a zone again that has come down? Its own decision, in its own order. */
export function startsAgain({ policy, autoboot, exitStatus, restartCount }: StoppedRun): boolean {
  if (!autoboot || policy.name === "no") return false;
  if (policy.name === "always") return true;
  if (exitStatus === undefined || exitStatus === 0) return false;
  return policy.maximumRetryCount === 0 || restartCount < policy.maximumRetryCount;
}
