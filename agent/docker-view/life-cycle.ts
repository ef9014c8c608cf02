// Parameters and answers of the calls that start and end containers (sdc-docker.md 24, 25).
import type { ContainerFacts } from "./facts.ts";
import { refusal, VALIDATION } from "./refusal.ts";

/** Query parameter `signal` of a kill: digits are a number, names are passed on. */
export function killSignal(parameter: string | undefined): string | number {
  if (parameter === undefined) return "SIGKILL";
  return /^\d+$/.test(parameter) ? Number(parameter) : parameter;
}

const STOP_TIMEOUT_S = 10;

/** Query parameter `t` of a stop and a restart: whole seconds, a fraction is cut. Raises USAGE. */
export function stopTimeout(parameter: string | undefined): number {
  if (parameter === undefined) return STOP_TIMEOUT_S;
  const seconds = Number(parameter);
  if (!Number.isFinite(seconds)) throw refusal("USAGE", "stop timeout parameter must be an integer", VALIDATION);
  return Math.floor(seconds);
}

export type GatedCall = "top" | "remove" | "copy" | "commit";

/** Raises ZONE_STATE for a call that the state of the zone does not allow. */
export function checkState({ state }: Pick<ContainerFacts, "state">, call: GatedCall): void {
  const allowed = call === "top" ? state === "running" : state !== "provisioning";
  if (!allowed) throw refusal("ZONE_STATE", `Container state "${state}" not allowed for this command`);
}

export const WAIT_POLLS = 15;

export interface WaitPoll {
  readonly state: string;
  readonly exitStatus?: number | undefined;
}

/**
 * The answer to a wait: once the zone was seen stopped, the first exit status that is told; none after fifteen looks.
 * Undefined: look again.
 */
export function waitAnswer(polls: readonly WaitPoll[]): { readonly StatusCode?: number } | undefined {
  const stopped = polls.findIndex(({ state }) => state === "stopped");
  if (stopped < 0) return undefined;
  const since = polls.slice(stopped, stopped + WAIT_POLLS);
  const told = since.find(({ exitStatus }) => exitStatus !== undefined)?.exitStatus;
  if (told !== undefined) return { StatusCode: told };
  return since.length < WAIT_POLLS ? undefined : {};
}
