// Points in time as people give them to --since and --until.
import { AgentError } from "../errors/agent-error.ts";

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const DURATION = /^(?:\d+(?:\.\d+)?(?:ms|[smhd]))+$/;
const DATE = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)?(Z|[+-]\d{2}:?\d{2})?$/;

/**
 * What Docker's command takes: seconds since 1970 with a fraction, RFC 3339 and its beginnings (local time without a
 * zone), or a duration (`90s`, `1h30m`) before `now`.
 * @throws AgentError USAGE naming the option
 */
export function parseMoment(option: string, text: string, now: Date): Date {
  if (/^\d{9,11}(?:\.\d{1,9})?$/.test(text)) return new Date(Number(text) * 1000);
  if (DURATION.test(text)) {
    const parts = text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g);
    const ms = [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ""] ?? 0), 0);
    return new Date(now.getTime() - ms);
  }
  const [, zone] = DATE.exec(text) ?? [];
  if (DATE.test(text)) {
    // A date alone is midnight here, as for Docker; ECMAScript would take it as UTC.
    const local = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00` : text;
    const moment = new Date(zone === undefined ? local : text);
    if (!Number.isNaN(moment.getTime())) return moment;
  }
  throw new AgentError("USAGE", `${option} takes a time or a duration, not "${text}"`, {
    hint: "e.g. 10m, 1h30m, 2026-11-20T23:21:30Z, or seconds since 1970",
  });
}
