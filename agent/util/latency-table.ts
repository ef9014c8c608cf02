// How long things took, by name: counts for ever, figures from the last few hundred of each.
export interface Latency {
  readonly count: number;
  readonly failed: number;
  /** Milliseconds. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

const KEPT = 512;

interface Row {
  count: number;
  failed: number;
  next: number;
  readonly recent: number[];
}

export class LatencyTable {
  private readonly rows = new Map<string, Row>();

  record(name: string, ms: number, failed: boolean): void {
    let row = this.rows.get(name);
    if (!row) {
      row = { count: 0, failed: 0, next: 0, recent: [] };
      this.rows.set(name, row);
    }
    row.count++;
    if (failed) row.failed++;
    row.recent[row.next] = ms;
    row.next = (row.next + 1) % KEPT;
  }

  /** By name, sorted. */
  report(): Readonly<Record<string, Latency>> {
    const names = [...this.rows.keys()].toSorted();
    return Object.fromEntries(
      names.map((name) => {
        const row = this.rows.get(name);
        const sorted = (row?.recent ?? []).toSorted((a, b) => a - b);
        const at = (share: number): number =>
          round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]);
        const figures = { p50Ms: at(0.5), p95Ms: at(0.95), maxMs: round(sorted.at(-1)) };
        return [name, { count: row?.count ?? 0, failed: row?.failed ?? 0, ...figures }];
      }),
    );
  }
}

function round(ms = 0): number {
  return Math.round(ms * 10) / 10;
}
