// Times as `docker ps` tells them.
import type { Dialect } from "./dialect.ts";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const WEEK = 7 * DAY;
/** Docker's months and years are of 30 and 365 days. */
const MONTH = 30 * DAY;
const YEAR = 365 * DAY;

/**
 * `5 minutes`, `About an hour`, `2 weeks`. Docker says `1 second`, rounds to whole hours and counts months from the
 * second on; the predecessor says `1 seconds`, cuts, counts months from the third on and years with six decimals. A
 * negative duration is none.
 */
export function humanDuration(ms: number, dialect: Dialect = "engine"): string {
  const engine = dialect === "engine";
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 1) return "Less than a second";
  if (seconds === 1 && engine) return "1 second";
  if (seconds < MINUTE) return `${seconds} seconds`;
  if (seconds < 2 * MINUTE) return "About a minute";
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} minutes`;
  const length = engine ? Math.round(seconds / HOUR) * HOUR : seconds;
  if (length < 2 * HOUR) return "About an hour";
  if (length < 2 * DAY) return `${Math.floor(length / HOUR)} hours`;
  if (length < 2 * WEEK) return `${Math.floor(length / DAY)} days`;
  if (length < (engine ? 2 : 3) * MONTH) return `${Math.floor(length / WEEK)} weeks`;
  if (length < 2 * YEAR) return `${Math.floor(length / MONTH)} months`;
  return engine ? `${Math.floor(length / YEAR)} years` : `${(seconds / YEAR).toFixed(6)} years`;
}
