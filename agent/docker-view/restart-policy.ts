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

/** Will the platform start a zone again that has come down? Its own decision, in its own order. */
export function startsAgain({ policy, autoboot, exitStatus, restartCount }: StoppedRun): boolean {
  if (!autoboot || policy.name === "no") return false;
  if (policy.name === "always") return true;
  if (exitStatus === undefined || exitStatus === 0) return false;
  return policy.maximumRetryCount === 0 || restartCount < policy.maximumRetryCount;
}
