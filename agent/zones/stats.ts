// What containers use right now, from the kernel's statistics: one `kstat` for all zones.
//
// Names of statistics: dockerinit.md 9.6. Assumed, because the references do not tell: the modules `zones`, `caps` and
// `zone_vfs`, that the instance is the zone's id, and that a zone's nics are links called `z<id>_<nic>`. A statistic that is
// not there is left out, never taken for 0.
import { CommandError } from "../exec/errors.ts";
import type { Host } from "../host/host.ts";

export interface ZoneSample {
  /** Nanoseconds of CPU time since the zone booted; undefined where the statistic is missing. */
  readonly cpuNs: number | undefined;
  /** Bytes. */
  readonly memory: number | undefined;
  readonly memoryCap: number | undefined;
  readonly swap: number | undefined;
  readonly swapCap: number | undefined;
  readonly lwps: number | undefined;
  readonly lwpsCap: number | undefined;
  readonly bytesRead: number | undefined;
  readonly bytesWritten: number | undefined;
  readonly received: number | undefined;
  readonly sent: number | undefined;
}

export interface StatsSample {
  /** Milliseconds of a clock that never goes back. */
  readonly at: number;
  /** Running zones by uuid. */
  readonly zones: ReadonlyMap<string, ZoneSample & { readonly zoneid: number }>;
}

const OPERANDS = ["zones:::", "memory_cap:::", "caps:::", "zone_vfs:::", "link:::"];
const TIMEOUT_MS = 20_000;

/** Rejects with the CommandError of kstat; no zone at all is an empty sample. */
export async function sampleZones(host: Host, signal?: AbortSignal): Promise<StatsSample> {
  const at = performance.now();
  try {
    const { stdout } = await host.run("kstat", {
      args: ["-p", ...OPERANDS],
      timeoutMs: TIMEOUT_MS,
      mutates: false,
      signal,
    });
    return { at, zones: parseZoneStatistics(stdout) };
  } catch (error) {
    if (error instanceof CommandError && matchedNothing(error)) return { at, zones: new Map() };
    throw error;
  }
}

function matchedNothing({ failure, outcome }: CommandError): boolean {
  return failure === "exit" && outcome.exitCode === 1 && outcome.stdoutTail === "" && outcome.stderrTail === "";
}

const LINE = /^([^:\t]*):(\d+):([^\t]*):([^:\t]+)\t(.*)$/;
const LINK = /^z(\d+)_/;

/** `kstat -p`: `module:instance:name:statistic<TAB>value`. Lines of another form are passed over. */
export function parseZoneStatistics(text: string): Map<string, ZoneSample & { zoneid: number }> {
  const names = new Map<number, string>();
  const values = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [, module, instance, name, statistic, value] = LINE.exec(line) ?? [];
    if (module === undefined || name === undefined || statistic === undefined || value === undefined) continue;
    if (statistic === "zonename") {
      if (module === "zones" || module === "memory_cap") names.set(Number(instance), value);
      continue;
    }
    const zoneid = module === "link" ? LINK.exec(name)?.[1] : instance;
    const number = /^\d+(\.\d+)?$/.test(value) ? Number(value) : undefined;
    if (zoneid === undefined || number === undefined) continue;
    const kind = module === "caps" ? `caps:${name.split("_")[0] ?? ""}` : module;
    const key = `${zoneid} ${kind}:${statistic}`;
    // A zone has several links.
    values.set(key, module === "link" ? (values.get(key) ?? 0) + number : number);
  }
  const zones = new Map<string, ZoneSample & { zoneid: number }>();
  for (const [zoneid, uuid] of names) {
    if (uuid === "global") continue;
    const value = (key: string): number | undefined => values.get(`${zoneid} ${key}`);
    const [user, sys] = [value("zones:nsec_user"), value("zones:nsec_sys")];
    zones.set(uuid, {
      zoneid,
      cpuNs: user === undefined || sys === undefined ? undefined : user + sys,
      memory: value("memory_cap:rss"),
      memoryCap: value("memory_cap:physcap"),
      swap: value("memory_cap:swap"),
      swapCap: value("memory_cap:swapcap"),
      lwps: value("caps:lwps:usage"),
      lwpsCap: value("caps:lwps:value"),
      bytesRead: value("zone_vfs:nread"),
      bytesWritten: value("zone_vfs:nwritten"),
      received: value("link:rbytes64"),
      sent: value("link:obytes64"),
    });
  }
  return zones;
}

/** Percent of one CPU between two samples; undefined for the first of a boot. */
export function cpuPercent(before: StatsSample | undefined, after: StatsSample, uuid: string): number | undefined {
  const [was, is] = [before?.zones.get(uuid), after.zones.get(uuid)];
  if (before === undefined || was?.cpuNs === undefined || is?.cpuNs === undefined) return undefined;
  const elapsed = (after.at - before.at) * 1e6;
  if (was.zoneid !== is.zoneid || elapsed <= 0) return undefined;
  return Math.max(0, ((is.cpuNs - was.cpuNs) / elapsed) * 100);
}
