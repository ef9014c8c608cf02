// The one process that turns the platform's changes into events. Whoever holds the feeder's lock does it: the daemon, or a
// command that follows events while there is none. The next holder goes on where the last one stopped, even if that was
// killed: what it knew is in the history.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { inlineChain } from "../errors/chain.ts";
import type { Logger } from "../log/logger.ts";
import { writeFileAtomic } from "../util/atomic-file.ts";
import { acquireLock } from "../util/lock.ts";
import { Wakeup } from "../util/wakeup.ts";
import type { Vmadm } from "../vmadm/client.ts";
import type { VmEvent } from "../vmadm/schema.ts";
import { envelopeSchema, type Envelope, type EventDraft } from "./envelope.ts";
import type { History } from "./history.ts";
import { applyEvent, planEvents, type TrackedZone } from "./zone-tracker.ts";

export interface FeedOptions {
  readonly vmadm: Pick<Vmadm, "events">;
  readonly history: History;
  readonly lockPath: string;
  readonly log: Logger;
  /** Told what was written, in order. */
  readonly onEvents: (envelopes: readonly Envelope[]) => void;
  /** Called at each complete picture: from here on nothing is missed. */
  readonly onReady?: () => void;
  /** Another process feeds: it is waited for. */
  readonly onWait?: () => void;
  readonly signal: AbortSignal;
}

/** Changes held while the disk takes none; what is more is found again by comparing. */
const MAX_WAITING = 5000;
/** Events between two pictures on disk: how much of the history a start has to read. */
const PICTURE_EVERY = 2000;

/**
 * Feeds until `signal` aborts; waits for the feeder's lock first, if another process has it. Resolves after the last
 * picture is written. Rejects only with what makes feeding impossible for good (no vmadm, no root).
 */
export async function feedEvents(options: FeedOptions): Promise<void> {
  const { lockPath, signal } = options;
  let lock;
  try {
    lock = await acquireLock(lockPath, { signal, onWait: () => options.onWait?.() });
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  try {
    await feed(options);
  } finally {
    lock?.release();
  }
}

async function feed(options: FeedOptions): Promise<void> {
  const { vmadm, history, log, signal } = options;
  const pictures = join(history.directory, "zones.json");
  const { zones, seq } = await loadZones(history, pictures, log);
  let pictured = seq;
  let newest = seq;

  const write = async (drafts: readonly EventDraft[]): Promise<void> => {
    for (let pause = 250; ; pause = Math.min(pause * 2, 30_000)) {
      try {
        const written = await history.append(drafts);
        newest = written.at(-1)?.seq ?? newest;
        options.onEvents(written);
        if (newest - pictured >= PICTURE_EVERY) await savePicture();
        return;
      } catch (error) {
        log.error({ reason: inlineChain(error) }, "events cannot be written; they wait");
        await sleep(pause, undefined, { signal });
      }
    }
  };
  const savePicture = async (): Promise<void> => {
    await writeFileAtomic(pictures, JSON.stringify({ version: 1, seq: newest, zones: [...zones] }), { sync: false });
    pictured = newest;
  };

  try {
    while (!signal.aborted) {
      const round = new AbortController();
      const queue = new ChangeQueue(() => round.abort());
      const stop = AbortSignal.any([signal, round.signal]);
      const reading = readChanges(vmadm, queue, stop);
      reading.catch(() => undefined); // awaited below, when the queue has been emptied
      for (;;) {
        const changes = await queue.takeAll();
        if (changes === undefined) break;
        const drafts: EventDraft[] = [];
        for (const change of changes) {
          const planned = planEvents(zones, change, new Date());
          for (const draft of planned) applyEvent(zones, draft);
          drafts.push(...planned);
        }
        await write(drafts);
        if (changes.some((change) => change.type === "ready")) {
          await savePicture();
          options.onReady?.();
        }
      }
      await reading;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    if (newest > pictured) await savePicture().catch(() => undefined);
  }
}

async function readChanges(vmadm: Pick<Vmadm, "events">, queue: ChangeQueue, signal: AbortSignal): Promise<void> {
  try {
    for await (const event of vmadm.events({ signal })) queue.push(event);
  } finally {
    queue.end();
  }
}

/** Changes on their way to the disk. When too many wait, they are dropped and the stream is begun anew: its list of zones tells the same. */
class ChangeQueue {
  private changes: VmEvent[] = [];
  private ended = false;
  private readonly wakeup = new Wakeup();
  private readonly onOverflow: () => void;

  constructor(onOverflow: () => void) {
    this.onOverflow = onOverflow;
  }

  push(event: VmEvent): void {
    this.changes.push(event);
    if (this.changes.length > MAX_WAITING) {
      this.changes = [];
      this.ended = true;
      this.onOverflow();
    }
    this.wakeup.wake();
  }

  end(): void {
    this.ended = true;
    this.wakeup.wake();
  }

  /** Everything that waits, as soon as there is something; undefined at the end. */
  async takeAll(): Promise<readonly VmEvent[] | undefined> {
    while (this.changes.length === 0) {
      if (this.ended) return undefined;
      await this.wakeup.sleep();
    }
    const taken = this.changes;
    this.changes = [];
    return taken;
  }
}

const tracked = z.tuple([
  z.string(),
  z.object({
    namespace: z.string(),
    actor: envelopeSchema.shape.actor.unwrap(),
    mark: envelopeSchema.shape.mark.unwrap(),
  }),
]);
const pictureSchema = z.object({ version: z.literal(1), seq: z.int(), zones: z.array(tracked) });

/** What was known at the end of the history: the last picture, and every event after it. */
async function loadZones(
  history: History,
  path: string,
  log: Logger,
): Promise<{ readonly zones: Map<string, TrackedZone>; readonly seq: number }> {
  const { newest } = await history.range();
  let zones = new Map<string, TrackedZone>();
  let seq = 0;
  try {
    const picture = pictureSchema.parse(JSON.parse(await readFile(path, "utf8")));
    // A picture from beyond the history's end belongs to one that was lost.
    if (picture.seq <= newest) {
      zones = new Map(picture.zones);
      ({ seq } = picture);
    }
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT"))
      log.warn({ path, reason: inlineChain(error) }, "picture of the zones unreadable; the history is read instead");
  }
  for await (const envelope of history.read(seq + 1)) {
    applyEvent(zones, envelope);
    seq = envelope.seq;
  }
  return { zones, seq };
}
