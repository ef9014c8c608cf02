// One run of vmadm, and one change of a zone: its turn, its deadline, and what to believe when the platform is in doubt.
import { randomUUID } from "node:crypto";
import { AgentError, hasCode } from "../errors/agent-error.ts";
import { fromUnknown } from "../errors/chain.ts";
import { CommandError } from "../exec/errors.ts";
import type { CommandResult } from "../exec/command.ts";
import type { Host } from "../host/host.ts";
import type { Logger } from "../log/logger.ts";
import type { ZoneUuid } from "../util/ids.ts";
import { createKeyedQueue } from "../util/keyed-queue.ts";
import { classifyVmadm } from "./classify.ts";
import type { CallOptions } from "./client.ts";
import type { VmadmOperation } from "./failure-rows.ts";
import type { VmObject } from "./schema.ts";

export interface Call extends CallOptions {
  readonly operation: VmadmOperation;
  /** For people: `start zone U`. */
  readonly subject: string;
  readonly args: readonly string[];
  readonly input?: unknown;
  readonly deadlineMs: number;
  readonly mutates?: boolean;
}

export interface Change extends Call {
  readonly zone: ZoneUuid;
  /** Judges the zone, read again after a vminfod failure: did the change happen? Absent where nobody can tell. */
  readonly settled?: (vm: VmObject | undefined) => boolean;
}

export interface VmadmCalls {
  /** "done": vmadm failed, but what was asked for holds already. Raises what the table says otherwise. */
  readonly run: (call: Call) => Promise<CommandResult | "done">;
  /** The same in the zone's turn; a vminfod failure is settled by looking at the zone. */
  readonly change: (change: Change) => Promise<CommandResult | "done">;
}

export interface VmadmCallsOptions {
  readonly requestId?: string | undefined;
  /** Reads the zone to settle a doubt. */
  readonly look: (zone: ZoneUuid) => Promise<VmObject | undefined>;
}

export function createVmadmCalls(host: Host, log: Logger, options: VmadmCallsOptions): VmadmCalls {
  const turns = createKeyedQueue<ZoneUuid>();

  async function run(call: Call, onExit?: () => void): Promise<CommandResult | "done"> {
    const reqId = options.requestId ?? randomUUID();
    log.debug({ reqId, args: call.args }, "vmadm");
    try {
      return await host.run("vmadm", {
        args: call.args,
        ...(call.input === undefined ? {} : { input: JSON.stringify(call.input) }),
        env: { REQ_ID: reqId },
        timeoutMs: call.timeoutMs ?? call.deadlineMs,
        mutates: call.mutates ?? false,
        signal: call.signal,
        onSpawn: call.onSpawn,
        onExit,
      });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const meaning = classifyVmadm(call.operation, call.subject, error);
      if (meaning === "done") return "done";
      log.debug({ reqId, outcome: error.outcome, code: meaning.code }, "vmadm failed");
      throw meaning;
    }
  }

  /** Waits for the zone's turn, runs, and settles by looking where the platform's answer leaves doubt. */
  async function change(call: Change): Promise<CommandResult | "done"> {
    const limit = AbortSignal.timeout(call.timeoutMs ?? call.deadlineMs);
    const signal = call.signal ? AbortSignal.any([call.signal, limit]) : limit;
    const turn = { come: false };
    const work = async (hold: (until: Promise<void>) => void): Promise<CommandResult | "done"> => {
      turn.come = true;
      const { promise, resolve } = Promise.withResolvers<undefined>();
      hold(promise);
      try {
        return await run({ ...call, mutates: true }, () => resolve(undefined));
      } catch (error) {
        if (!call.settled || !hasCode(error, "VMINFOD_TIMEOUT", "VMINFOD_UNAVAILABLE")) throw error;
        if (!(await isSettled(call.zone, call.settled, error))) throw error;
        log.warn({ zone: call.zone, operation: call.operation, code: error.code }, "change found done after failure");
        return "done";
      }
    };
    try {
      return await turns.run(call.zone, work, { signal });
    } catch (error) {
      if (turn.come) throw error;
      const cause = fromUnknown(error);
      throw new AgentError(cause.code, `${call.subject}: its turn did not come, another change of the zone runs`, {
        cause,
      });
    }
  }

  async function isSettled(
    zone: ZoneUuid,
    settled: (vm: VmObject | undefined) => boolean,
    doubt: AgentError,
  ): Promise<boolean> {
    try {
      return settled(await options.look(zone));
    } catch (error) {
      log.debug({ zone, err: error, doubt: doubt.code }, "could not look at the zone after a failure");
      return false;
    }
  }

  return { run: (call) => run(call), change };
}
