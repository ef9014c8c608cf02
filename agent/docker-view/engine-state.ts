import type { ContainerFacts, HealthFacts } from "./facts.ts";
import { dockerState, NEVER } from "./status.ts";

/** `State` of inspect. The exit code is Docker's: 128 + n for a signal, 126 or 127 where the program never ran. */
export function engineState(facts: ContainerFacts): Record<string, unknown> {
  const status = dockerState(facts);
  return {
    Status: status,
    // Docker counts one that is about to come back as running.
    Running: status === "running" || status === "restarting",
    Paused: false,
    Restarting: status === "restarting",
    OOMKilled: false,
    Dead: status === "dead",
    Pid: facts.pid ?? 0,
    ExitCode: facts.exit?.code ?? 0,
    Error: facts.startError,
    StartedAt: facts.bootedAt?.toISOString() ?? NEVER,
    FinishedAt: facts.exitedAt?.toISOString() ?? NEVER,
    ...(facts.health === undefined ? {} : { Health: engineHealth(facts.health) }),
  };
}

/** Docker has no word for not knowing; `starting` is the one that nobody takes for a verdict. */
export function dockerHealth({ status }: HealthFacts): "starting" | "healthy" | "unhealthy" {
  return status === "unknown" ? "starting" : status;
}

function engineHealth(health: HealthFacts): Record<string, unknown> {
  return {
    Status: dockerHealth(health),
    FailingStreak: health.failingStreak,
    Log: health.log.map(({ start, end, exitCode, output }) => ({
      Start: start,
      End: end,
      ExitCode: exitCode,
      Output: output,
    })),
  };
}
