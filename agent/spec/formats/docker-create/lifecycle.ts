// How a container is started again, watched and stopped (container-specs.md 3).
import type { NeutralApp, NeutralHealth } from "../../neutral.ts";
import { parseSignal } from "../../../util/linux-signals.ts";
import type { Report } from "../format.ts";
import type { CreateBody, DockerHealthcheck, DockerHostConfig } from "./body.ts";

export function readRestart(host: DockerHostConfig, report: Report): NeutralApp["restart"] {
  const { Name, MaximumRetryCount } = host.RestartPolicy ?? {};
  const policy = Name === undefined || Name === null || Name === "" ? "no" : Name;
  if (host.AutoRemove && policy !== "no")
    report.complain(["HostConfig", "AutoRemove"], `cannot be combined with the restart policy ${policy}`);
  return { policy, maxRetries: policy === "on-failure" ? (MaximumRetryCount ?? null) : null };
}

/** Undefined: as the image says; null: switched off. */
export function readHealth(check: DockerHealthcheck, report: Report): NeutralHealth | null | undefined {
  const [kind, ...words] = check.Test;
  if (kind === "NONE") return null;
  const exec = kind === "CMD-SHELL" ? ["/bin/sh", "-c", ...words] : words;
  const path = ["Healthcheck", "Test"];
  if (kind !== undefined && kind !== "CMD" && kind !== "CMD-SHELL")
    report.complain(path, `must begin with NONE, CMD or CMD-SHELL, not ${JSON.stringify(kind)}`);
  else if (kind === "CMD-SHELL" && words.length !== 1) report.complain(path, "CMD-SHELL needs one command line");
  else if (kind === "CMD" && words.length === 0) report.complain(path, "CMD needs a command");
  const health: NeutralHealth = {
    ...(kind === undefined ? {} : { exec }),
    ...milliseconds("intervalMs", check.Interval),
    ...milliseconds("timeoutMs", check.Timeout),
    ...milliseconds("startPeriodMs", check.StartPeriod),
    ...milliseconds("startIntervalMs", check.StartInterval),
    ...(check.Retries === undefined ? {} : { retries: check.Retries }),
  };
  return Object.keys(health).length === 0 ? undefined : health;
}

export function readStop(body: CreateBody, report: Report): Pick<NeutralApp, "stopSignal" | "stopTimeoutMs"> {
  const { StopSignal, StopTimeout } = body;
  if (StopSignal !== undefined && parseSignal(StopSignal) === undefined)
    report.refuse(["StopSignal"], `${JSON.stringify(StopSignal)} is not a signal a zone's init can be sent`);
  if (StopTimeout === -1) report.warn(["StopTimeout"], "a stop does not wait for ever: the default time is used");
  return {
    ...(StopSignal === undefined ? {} : { stopSignal: StopSignal }),
    ...(StopTimeout === undefined || StopTimeout < 0 ? {} : { stopTimeoutMs: StopTimeout * 1000 }),
  };
}

function milliseconds<K extends keyof NeutralHealth>(key: K, nanoseconds: number | undefined): { [P in K]?: number } {
  const result: { [P in K]?: number } = {};
  if (nanoseconds !== undefined) result[key] = Math.ceil(nanoseconds / 1_000_000);
  return result;
}
