// When a service is started again, and how its health is asked for.
import type { NeutralHealth, NeutralRestart } from "../../neutral.ts";
import type { Service } from "./schema.ts";
import type { ServiceContext } from "./service.ts";

export function readRestart(service: Service, { report, path }: ServiceContext): NeutralRestart {
  const policy = service.deploy?.restart_policy;
  if (policy === undefined) return service.restart ?? { policy: "no", maxRetries: null };
  const at = [...path, "deploy", "restart_policy"];
  for (const key of ["delay", "window"] as const)
    if (policy[key] !== undefined) report.warn([...at, key], "the platform's own delays are used");
  if (policy.condition === "none") return { policy: "no", maxRetries: null };
  if (policy.condition === "on-failure") return { policy: "on-failure", maxRetries: policy.max_attempts ?? null };
  if (policy.max_attempts !== undefined)
    report.warn([...at, "max_attempts"], "counts with the condition on-failure only");
  return { policy: "always", maxRetries: null };
}

export function readHealth(service: Service, { report, path }: ServiceContext): NeutralHealth | null | undefined {
  const check = service.healthcheck;
  if (check === undefined) return undefined;
  const { test } = check;
  const kind = Array.isArray(test) ? test[0] : undefined;
  if (check.disable === true || kind === "NONE") return null;
  let exec: readonly string[] | undefined;
  if (typeof test === "string") exec = ["/bin/sh", "-c", test];
  else if (kind === "CMD") exec = test?.slice(1);
  else if (kind === "CMD-SHELL") exec = ["/bin/sh", "-c", ...(test?.slice(1, 2) ?? [])];
  else if (test !== undefined && test.length > 0)
    report.complain([...path, "healthcheck", "test"], "must be text, or a list beginning with NONE, CMD or CMD-SHELL");
  return {
    ...(exec === undefined ? {} : { exec }),
    ...(check.interval === undefined ? {} : { intervalMs: check.interval }),
    ...(check.timeout === undefined ? {} : { timeoutMs: check.timeout }),
    ...(check.start_period === undefined ? {} : { startPeriodMs: check.start_period }),
    ...(check.start_interval === undefined ? {} : { startIntervalMs: check.start_interval }),
    ...(check.retries === undefined ? {} : { retries: check.retries }),
  };
}
