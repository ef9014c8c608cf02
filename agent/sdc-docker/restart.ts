// Restart policies (sdc-docker.md 6).
import { member, type Members } from "./members.ts";

const MAX_RETRIES = 2 ** 31;

/** The metadata's text; undefined for no restarts, which is what an unknown name means, too. */
export function parseRestartPolicy(policy: Members | undefined): string | undefined {
  if (policy === undefined) return undefined;
  const name = member(policy, "Name");
  if (name === "always") return name;
  if (name !== "on-failure") return undefined;
  const given = member(policy, "MaximumRetryCount");
  const count = typeof given === "string" ? Number(given) : given;
  return typeof count === "number" && Number.isInteger(count) && count > 0 && count < MAX_RETRIES
    ? `${name}:${count}`
    : name;
}
