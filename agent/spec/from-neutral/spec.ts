// An app in the notation of a container spec, so that the spec's own rules judge its values.
import type { NeutralApp, NeutralDocument } from "../neutral.ts";

/** kubelet's rule for a request without weight (container-specs.md 2). */
const SHARES_PER_CORE = 1024;
const MIN_SHARES = 2;
const MAX_SHARES = 262_144;
/** Block I/O: the normal weight of 500 is the normal priority of 100 (container-specs.md 2). */
const WEIGHT_PER_PRIORITY = 5;

/** The fields that stand for themselves; name, image and volumes are the caller's. Absent where nothing is said. */
export function specInput(app: NeutralApp, document: NeutralDocument): Record<string, unknown> {
  const alone = document.apps.length === 1;
  const labels = { ...document.labels, ...app.labels };
  const own = Object.entries(app.env).map(([name, value]) => (value === null ? name : `${name}=${value}`));
  const env = [...executorEnv(app, document), ...own];
  const stopTimeout = app.stopTimeoutMs ?? document.stopTimeoutMs;
  return defined({
    entrypoint: app.entrypoint ?? undefined,
    command: app.args ?? undefined,
    env: env.length === 0 ? undefined : env,
    user: app.user ?? undefined,
    workdir: app.cwd ?? undefined,
    hostname: app.hostname ?? document.hostname,
    domainname: app.domainname,
    labels: Object.keys(labels).length === 0 ? undefined : labels,
    tty: app.tty,
    stdin: app.stdin,
    memory: smaller(app.memoryBytes, alone ? document.memoryBytes : undefined),
    memorySwap: app.swapBytes,
    cpus: smaller(app.cpuCores, alone ? document.cpuCores : undefined),
    cpuShares: app.cpuShares ?? (alone ? document.cpuShares : undefined) ?? sharesOf(app.cpuRequestCores),
    pids: app.pidsLimit !== undefined && app.pidsLimit > 0 ? app.pidsLimit : undefined,
    disk: app.diskBytes,
    ioPriority: app.ioWeight === undefined ? undefined : Math.round(app.ioWeight / WEIGHT_PER_PRIORITY),
    networks: app.network ?? app.networks,
    dns: app.dns ?? document.dns,
    dnsSearch: app.dnsSearch ?? document.dnsSearch,
    extraHosts: app.extraHosts ?? document.extraHosts,
    // An init app that fails fails its pod, so it is not tried again.
    restart: app.role === "init" ? "no" : restartText(app.restart),
    log: app.logging,
    stopSignal: app.stopSignal,
    stopTimeout: stopTimeout === undefined ? undefined : `${stopTimeout}ms`,
    autoRemove: app.autoRemove,
    nonRoot: app.requireNonRoot,
    healthcheck: healthInput(app.health),
  });
}

function defined(value: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined));
}

/** 0 is no limit. */
function smaller(a: number | null, b: number | undefined): number | undefined {
  const limits = [a, b].filter((limit) => limit !== null && limit !== undefined && limit > 0);
  return limits.length === 0 ? undefined : Math.min(...limits.map(Number));
}

function sharesOf(cores: number | undefined): number | undefined {
  if (cores === undefined) return undefined;
  return Math.min(Math.max(Math.floor(cores * SHARES_PER_CORE), MIN_SHARES), MAX_SHARES);
}

function healthInput(health: NeutralApp["health"]): unknown {
  if (health === undefined) return undefined;
  if (health === null) return "none";
  const ms = (value: number | undefined): string | undefined => (value === undefined ? undefined : `${value}ms`);
  return defined({
    test: health.exec === undefined ? undefined : ["CMD", ...health.exec],
    interval: ms(health.intervalMs),
    timeout: ms(health.timeoutMs),
    startPeriod: ms(health.startPeriodMs),
    startInterval: ms(health.startIntervalMs),
    retries: health.retries,
  });
}

function restartText({ policy, maxRetries }: NeutralApp["restart"]): string {
  return policy === "on-failure" && maxRetries !== null ? `${policy}:${maxRetries}` : policy;
}

/** Variables an executor of App Container sets for every app (container-specs.md 6); the metadata service is optional. */
function executorEnv(app: NeutralApp, { format }: NeutralDocument): string[] {
  return format === "appc-pod" || format === "appc-image" ? [`AC_APP_NAME=${app.name ?? ""}`, "container=zonelet"] : [];
}
