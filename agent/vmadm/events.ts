// `vmadm events -jr` as an endless, gap-free stream (vmadm.md 3.12, 12).
//
// The platform's process dies whenever vminfod restarts, and events are not replayed. So it is started again, with a
// pause that grows while it fails, and its new `ready` record tells what the gap hid.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { hasCode } from "../errors/agent-error.ts";
import { inlineChain } from "../errors/chain.ts";
import { CommandError } from "../exec/errors.ts";
import type { Host } from "../host/host.ts";
import type { Logger } from "../log/logger.ts";
import type { ZoneUuid } from "../util/ids.ts";
import { classifyVmadm } from "./classify.ts";
import { readZone } from "./parse.ts";
import { vmEventSchema, type VmEvent } from "./schema.ts";

export interface FollowEventsOptions {
  readonly zone?: ZoneUuid | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly requestId?: string | undefined;
  /** First and longest pause before the process is started again, in milliseconds. */
  readonly pauseMs?: { readonly first: number; readonly longest: number };
}

const PAUSE = { first: 250, longest: 30_000 };

/**
 * Ends when `signal` aborts; leaving the iteration ends the child. Raises ZONE_NOT_FOUND where `zone` does not exist (any
 * more), and what starting the command again cannot mend: no vmadm, no root.
 */
export async function* followEvents(host: Host, log: Logger, options: FollowEventsOptions): AsyncGenerator<VmEvent> {
  const { zone, signal, pauseMs = PAUSE } = options;
  let pause = pauseMs.first;
  while (!signal?.aborted) {
    const stream = host.lines("vmadm", {
      args: ["events", "-jr", ...(zone === undefined ? [] : [zone])],
      env: { REQ_ID: options.requestId ?? randomUUID(), VMADM_IDENT: "zonelet" },
      signal,
    });
    try {
      for await (const line of stream) {
        const event = parseEvent(line, log);
        if (!event) continue;
        pause = pauseMs.first;
        yield event;
      }
      log.warn({ child: stream.pid }, "vmadm events ended");
    } catch (error) {
      if (signal?.aborted) return;
      if (!(error instanceof CommandError)) throw error;
      const meaning = classifyVmadm("events", zone === undefined ? "follow zones" : `follow zone ${zone}`, error);
      if (
        meaning !== "done" &&
        hasCode(meaning, "ZONE_NOT_FOUND", "HOST_COMMAND_MISSING", "NOT_ROOT", "HOST_UNSUPPORTED")
      )
        throw meaning;
      log.warn({ child: stream.pid, reason: inlineChain(meaning) }, "vmadm events died");
      log.debug({ child: stream.pid, outcome: error.outcome }, "vmadm events died");
    } finally {
      stream.stop();
    }
    try {
      await sleep(pause, undefined, signal ? { signal } : {});
    } catch {
      return;
    }
    pause = Math.min(pause * 2, pauseMs.longest);
  }
}

const readyRecord = z.looseObject({ type: z.literal("ready"), vms: z.record(z.string(), z.unknown()) });

/** One line of the stream; undefined and a warning where it is no event. Zones of a ready record are read one by one. */
export function parseEvent(line: string, log: Logger): VmEvent | undefined {
  if (line.trim() === "") return undefined;
  let record: unknown;
  try {
    record = JSON.parse(line);
  } catch (error) {
    log.warn({ err: error, line: line.slice(0, 200) }, "vmadm events printed no JSON");
    return undefined;
  }
  const ready = readyRecord.safeParse(record);
  if (ready.success) {
    const zones = Object.entries(ready.data.vms).flatMap(([name, element]) => {
      const vm = readZone(element, log);
      return vm ? [[name, vm] as const] : [];
    });
    record = { ...ready.data, vms: Object.fromEntries(zones) };
  }
  const event = vmEventSchema.safeParse(record);
  if (event.success) return event.data;
  log.warn({ problem: z.prettifyError(event.error) }, "vmadm events told something we cannot read");
  return undefined;
}
