// Probes and hooks of a container.
import type { NeutralApp, NeutralProbe } from "../../neutral.ts";
import type { SpecPath } from "../../problem.ts";
import type { Report } from "../format.ts";
import type { Container, Probe } from "./schema.ts";

const PROBES = { liveness: "livenessProbe", readiness: "readinessProbe", startup: "startupProbe" } as const;

type Probes = NonNullable<NeutralApp["probes"]>;

/** Undefined when the container has none. */
export function readProbes(container: Container, path: SpecPath, report: Report): Probes | undefined {
  const found: { -readonly [kind in keyof Probes]: Probes[kind] } = {};
  for (const kind of ["liveness", "readiness", "startup"] as const) {
    const probe = container[PROBES[kind]];
    if (probe === undefined) continue;
    const at = [...path, PROBES[kind]];
    if (kind !== "readiness" && (probe.successThreshold ?? 1) !== 1)
      report.complain([...at, "successThreshold"], "must be 1: only readiness may ask for more");
    const read = readProbe(probe, container, at, report);
    if (read !== undefined) found[kind] = read;
  }
  return Object.keys(found).length === 0 ? undefined : found;
}

function readProbe(probe: Probe, container: Container, at: SpecPath, report: Report): NeutralProbe | undefined {
  const { exec, httpGet, tcpSocket, grpc } = probe;
  const handlers = Object.entries({ exec, httpGet, tcpSocket, grpc }).filter(([, value]) => value !== undefined);
  if (handlers.length !== 1) {
    report.complain(at, "must have exactly one of exec, httpGet, tcpSocket, grpc");
    return undefined;
  }
  const timing = {
    initialDelayMs: (probe.initialDelaySeconds ?? 0) * 1000,
    // Zero is unset to the API.
    periodMs: (probe.periodSeconds || 10) * 1000,
    timeoutMs: (probe.timeoutSeconds || 1) * 1000,
    success: probe.successThreshold ?? 1,
    failure: probe.failureThreshold ?? 3,
  };
  if (exec !== undefined) {
    if (exec.command === undefined || exec.command.length === 0)
      report.complain([...at, "exec", "command"], "is required");
    return { type: "exec", ...timing, exec: exec.command ?? [] };
  }
  if (httpGet !== undefined) {
    const port = portOf(httpGet.port, container, [...at, "httpGet", "port"], report);
    const { host, httpHeaders } = httpGet;
    return {
      type: "httpGet",
      ...timing,
      port,
      path: httpGet.path ?? "/",
      scheme: httpGet.scheme ?? "HTTP",
      ...(host === undefined ? {} : { host }),
      ...(httpHeaders.length === 0 ? {} : { headers: httpHeaders }),
    };
  }
  if (tcpSocket !== undefined) {
    const { host } = tcpSocket;
    const port = portOf(tcpSocket.port, container, [...at, "tcpSocket", "port"], report);
    return { type: "tcpSocket", ...timing, port, ...(host === undefined ? {} : { host }) };
  }
  report.warn([...at, "grpc"], "gRPC is not spoken here: the probe is left out");
  return undefined;
}

function portOf(port: number | string, container: Container, at: SpecPath, report: Report): number {
  if (typeof port === "number") return port;
  const named = container.ports.find(({ name }) => name === port);
  if (named === undefined) report.complain(at, `the container has no port named ${JSON.stringify(port)}`);
  return named?.containerPort ?? 0;
}

/** Undefined when the container has none that can be run. */
export function readHooks({ lifecycle }: Container, path: SpecPath, report: Report): NeutralApp["hooks"] | undefined {
  const hooks: { postStart?: readonly string[]; preStop?: readonly string[] } = {};
  for (const kind of ["postStart", "preStop"] as const) {
    const handler = lifecycle?.[kind];
    if (handler === undefined) continue;
    const at = [...path, "lifecycle", kind];
    const given = Object.entries(handler).flatMap(([key, value]) => (value === undefined ? [] : [key]));
    if (given.length !== 1) report.complain(at, "must have exactly one of exec, httpGet, sleep");
    else if (handler.exec === undefined) report.warn([...at, given[0] ?? ""], "only exec is run: the hook is left out");
    else hooks[kind] = handler.exec.command ?? [];
  }
  return Object.keys(hooks).length === 0 ? undefined : hooks;
}
