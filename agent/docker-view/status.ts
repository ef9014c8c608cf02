// The state of a container in Docker's words (sdc-docker.md 22, events-and-filters.md 7.4).
import type { Dialect } from "./dialect.ts";
import type { ContainerFacts } from "./facts.ts";
import { humanDuration } from "./human-duration.ts";
import { startsAgain } from "./restart-policy.ts";

export const DOCKER_STATES = ["created", "restarting", "running", "removing", "paused", "exited", "dead"] as const;
export type DockerState = (typeof DOCKER_STATES)[number];

/** Docker's way to say that there was no such moment. */
export const NEVER = "0001-01-01T00:00:00Z";

/** States of a zone in which its processes run, or are being ended. */
const UP = new Set(["running", "ready", "stopping", "shutting_down", "down"]);

/** `removing` and `paused` never occur: a zone is either there or gone, and cannot be paused. */
export function dockerState(facts: ContainerFacts): DockerState {
  if (UP.has(facts.state)) return "running";
  if (facts.state === "stopped") {
    if (neverRan(facts)) return "created";
    return facts.exitedAt !== undefined && comesBack(facts) ? "restarting" : "exited";
  }
  // What has no name in Docker is not finished yet, or never will be.
  return facts.state === "failed" || facts.state === "destroyed" ? "dead" : "created";
}

/** The first start writes the restart count (vmadm.md 11). */
export function neverRan(facts: ContainerFacts): boolean {
  return facts.exitedAt === undefined && facts.restartCount === undefined;
}

function comesBack(facts: ContainerFacts): boolean {
  const { restartPolicy: policy, autoboot, exitStatus, restartCount = 0 } = facts;
  return startsAgain({ policy, autoboot, exitStatus, restartCount });
}

/** `Up 5 minutes`, `Exited (137) 2 hours ago`, `Created`: the column STATUS. */
export function statusText(facts: ContainerFacts, now: Date, dialect: Dialect = "engine"): string {
  return dialect === "engine" ? engineStatus(facts, now) : sdcStatus(facts, now);
}

function engineStatus(facts: ContainerFacts, now: Date): string {
  const ago = (since: Date | undefined): string => (since === undefined ? "" : ` ${age(since, now, "engine")} ago`);
  const code = facts.exit?.code ?? "?";
  switch (dockerState(facts)) {
    case "running": {
      const up = facts.bootedAt === undefined ? "Up" : `Up ${age(facts.bootedAt, now, "engine")}`;
      if (facts.state === "running") return `${up}${healthText(facts)}`;
      return facts.state === "ready" ? "Starting" : `${up} (stopping)`;
    }
    case "restarting":
      return `Restarting (${code})${ago(facts.exitedAt)}`;
    case "exited":
      return `Exited (${code})${ago(facts.exitedAt)}`;
    case "created":
      // Provisioning, Incomplete, …: what the platform calls what is not finished.
      return facts.state === "stopped" ? "Created" : capitalised(facts.state);
    case "dead":
    case "removing":
    case "paused":
      return `Dead (${facts.state})`;
  }
}

function healthText({ health }: ContainerFacts): string {
  if (health === undefined) return "";
  const { status } = health;
  return status === "healthy" || status === "unhealthy" ? ` (${status})` : ` (health: ${status})`;
}

function capitalised(state: string): string {
  return state.charAt(0).toUpperCase() + state.slice(1);
}

function sdcStatus(facts: ContainerFacts, now: Date): string {
  const since = (start: Date | undefined): string => (start === undefined ? "" : ` ${age(start, now, "sdc")}`);
  switch (facts.state) {
    case "running":
      return `Up${since(facts.bootedAt)}`;
    case "provisioning":
      return `Provisioning${since(facts.createdAt)}`;
    case "stopped":
      if (facts.exitStatus !== undefined && facts.exitedAt !== undefined)
        return `Exited (${facts.exitStatus})${since(facts.exitedAt)} ago`;
      return facts.restartCount === undefined ? "Created" : "Exited";
    default:
      return "";
  }
}

function age(since: Date, now: Date, dialect: Dialect): string {
  return humanDuration(now.getTime() - since.getTime(), dialect);
}
