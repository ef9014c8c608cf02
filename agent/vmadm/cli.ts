// vmadm as the platform has it: the command line. Its traps (vmadm.md 16) end here; the layers above see none of them.
import { z } from "zod";
import { AgentError, hasCode } from "../errors/agent-error.ts";
import type { Host } from "../host/host.ts";
import type { Logger } from "../log/logger.ts";
import type { ZoneUuid } from "../util/ids.ts";
import { createVmadmCalls, type Call } from "./call.ts";
import type { CallOptions, ValidationFailure, Vmadm } from "./client.ts";
import { followEvents } from "./events.ts";
import { parseZone, parseZones } from "./parse.ts";
import type { VmObject } from "./schema.ts";
import { hasSnapshot, isCreated, isRebooted, isStarted, isStopped, isUpdated } from "./settle.ts";
import { parseValidationFailure } from "./validation.ts";

export interface VmadmCliOptions {
  /** Request id stamped on the platform's log records of every call. Default: a new one per call, found in our log. */
  readonly requestId?: string | undefined;
}

/** Milliseconds: the sums of the platform's own limits (vmadm.md, end of section 11). */
const DEADLINE = {
  read: 30_000,
  validate: 60_000,
  kill: 30_000,
  update: 120_000,
  create: 300_000,
  start: 360_000,
  delete: 300_000,
  reprovision: 660_000,
  stop: (timeoutS: number): number => (timeoutS + 10 + 120) * 1000,
} as const;

/** Seconds between TERM and KILL that vmadm takes when it is told none. */
const DEFAULT_STOP_S = 10;

/**
 * Changes of one zone run one after the other within this process, because vmadm has no lock over whole operations
 * (vmadm.md 13); `kill` overtakes. A change given up by abort or deadline goes on, and keeps its zone's turn until it ends.
 */
export function createVmadmCli(host: Host, log: Logger, options: VmadmCliOptions = {}): Vmadm {
  const { run, change } = createVmadmCalls(host, log, { requestId: options.requestId, look: (zone) => get(zone) });

  async function stdout(call: Call): Promise<string> {
    const result = await run(call);
    return result === "done" ? "" : result.stdout;
  }

  async function get(zone: ZoneUuid, callOptions: CallOptions = {}): Promise<VmObject | undefined> {
    const subject = `get zone ${zone}`;
    try {
      const args = ["get", zone];
      return parseZone(
        await stdout({ ...callOptions, operation: "get", subject, args, deadlineMs: DEADLINE.read }),
        subject,
      );
    } catch (error) {
      if (hasCode(error, "ZONE_NOT_FOUND")) return undefined;
      throw error;
    }
  }

  async function validate(
    args: readonly string[],
    input: unknown,
    callOptions: CallOptions,
  ): Promise<ValidationFailure | undefined> {
    try {
      const subject = args.slice(0, 2).join(" ");
      await run({ ...callOptions, operation: "validate", subject, args, input, deadlineMs: DEADLINE.validate });
      return undefined;
    } catch (error) {
      const failure = error instanceof AgentError ? parseValidationFailure(error.cause) : undefined;
      if (failure) return failure;
      throw error;
    }
  }

  return {
    get,

    async lookup(filters = {}, callOptions = {}) {
      const args = ["lookup", "-j", ...Object.entries(filters).map(filterArgument)];
      const subject = "look up zones";
      return parseZones(
        await stdout({ ...callOptions, operation: "lookup", subject, args, deadlineMs: DEADLINE.read }),
        subject,
        log,
      );
    },

    validateCreate: (manifest, callOptions = {}) => validate(["validate", "create"], manifest, callOptions),
    validateUpdate: (brand, payload, callOptions = {}) => validate(["validate", "update", brand], payload, callOptions),

    async create(manifest, callOptions = {}) {
      await change({
        ...callOptions,
        operation: "create",
        subject: `create zone ${manifest.uuid}`,
        zone: manifest.uuid,
        args: ["create"],
        input: manifest,
        deadlineMs: DEADLINE.create,
        settled: isCreated,
      });
    },

    async start(zone, callOptions = {}) {
      const askedAt = Date.now();
      await change({
        ...callOptions,
        operation: "start",
        subject: `start zone ${zone}`,
        zone,
        args: ["start", zone],
        deadlineMs: DEADLINE.start,
        settled: (vm) => isStarted(vm, askedAt),
      });
    },

    async stop(zone, { timeoutS, force = false, ...callOptions } = {}) {
      const subject = `stop zone ${zone}`;
      // "-t 0" would be taken for "no -t", the default of ten seconds (vmadm.md 3.7).
      const grace = timeoutS === undefined ? undefined : Math.max(1, Math.ceil(timeoutS));
      const result = await change({
        ...callOptions,
        operation: force ? "force-stop" : "stop",
        subject,
        zone,
        args: ["stop", zone, ...(force ? ["-F"] : grace === undefined ? [] : ["-t", String(grace)])],
        deadlineMs: DEADLINE.stop(grace ?? DEFAULT_STOP_S),
        settled: isStopped,
      });
      // Exit 0 without doing anything, in whatever state the zone is: `failed` and `provisioning` ones may well run.
      const left =
        result === "done" ? undefined : /already not 'running' \(currently: (\S+)\)/.exec(result.stderr)?.[1];
      if (left === undefined || left === "stopped") return;
      const vm = await get(zone, { signal: callOptions.signal });
      if (vm?.zone_state !== "running") return;
      throw new AgentError("ZONE_STATE", `${subject}: it is ${vm.state}, which vmadm does not stop gracefully`, {
        hint: "stop it by force",
        details: { state: vm.state },
      });
    },

    async reboot(zone, { force = false, ...callOptions } = {}) {
      const askedAt = Date.now();
      await change({
        ...callOptions,
        operation: "reboot",
        subject: `reboot zone ${zone}`,
        zone,
        args: ["reboot", zone, ...(force ? ["-F"] : [])],
        deadlineMs: DEADLINE.stop(DEFAULT_STOP_S) + DEADLINE.start,
        settled: (vm) => isRebooted(vm, askedAt),
      });
    },

    async kill(zone, signalName, callOptions = {}) {
      const subject = `kill zone ${zone}`;
      const name = signalName.toUpperCase();
      if (!/^[A-Z][A-Z0-9]*$/.test(name))
        throw new AgentError("SIGNAL_UNKNOWN", `${subject}: "${signalName}" is no name of a signal`, {
          hint: "use a name such as TERM; numbers mean other signals on illumos than on Linux",
        });
      await run({
        ...callOptions,
        operation: "kill",
        subject,
        args: ["kill", "-s", name, zone],
        deadlineMs: DEADLINE.kill,
        mutates: true,
      });
    },

    async update(zone, payload, callOptions = {}) {
      await change({
        ...callOptions,
        operation: "update",
        subject: `update zone ${zone}`,
        zone,
        args: ["update", zone],
        input: payload,
        deadlineMs: DEADLINE.update,
        settled: (vm) => isUpdated(vm, payload),
      });
    },

    async delete(zone, callOptions = {}) {
      try {
        await change({
          ...callOptions,
          operation: "delete",
          subject: `delete zone ${zone}`,
          zone,
          args: ["delete", zone],
          deadlineMs: DEADLINE.delete,
          settled: (vm) => vm === undefined,
        });
      } catch (error) {
        if (!hasCode(error, "ZONE_NOT_FOUND")) throw error;
      }
    },

    async createSnapshot(zone, name, callOptions = {}) {
      await change({
        ...callOptions,
        operation: "create-snapshot",
        subject: `snapshot zone ${zone}`,
        zone,
        args: ["create-snapshot", zone, name],
        deadlineMs: DEADLINE.update,
        settled: (vm) => hasSnapshot(vm, name),
      });
    },

    async deleteSnapshot(zone, name, callOptions = {}) {
      await change({
        ...callOptions,
        operation: "delete-snapshot",
        subject: `delete snapshot ${name} of zone ${zone}`,
        zone,
        args: ["delete-snapshot", zone, name],
        deadlineMs: DEADLINE.update,
        settled: (vm) => vm !== undefined && !hasSnapshot(vm, name),
      });
    },

    async rollbackSnapshot(zone, name, callOptions = {}) {
      await change({
        ...callOptions,
        operation: "rollback-snapshot",
        subject: `roll zone ${zone} back to snapshot ${name}`,
        zone,
        args: ["rollback-snapshot", zone, name],
        deadlineMs: DEADLINE.stop(DEFAULT_STOP_S) + DEADLINE.start,
      });
    },

    async reprovision(zone, imageUuid, callOptions = {}) {
      await change({
        ...callOptions,
        operation: "reprovision",
        subject: `reprovision zone ${zone}`,
        zone,
        args: ["reprovision", zone],
        input: { image_uuid: imageUuid },
        deadlineMs: DEADLINE.reprovision,
      });
    },

    async info(zone, callOptions = {}) {
      const subject = `get info of zone ${zone}`;
      const args = ["info", zone];
      const text = await stdout({ ...callOptions, operation: "info", subject, args, deadlineMs: DEADLINE.read });
      return parseInfo(text, subject);
    },

    events: (eventOptions = {}) => followEvents(host, log, { ...eventOptions, requestId: options.requestId }),
  };
}

function parseInfo(text: string, subject: string): Readonly<Record<string, unknown>> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(text));
  } catch (error) {
    throw new AgentError("HOST_OUTPUT_INVALID", `${subject}: vmadm printed something else than an object`, {
      cause: error,
    });
  }
}

/** `key=~x` would be a regular expression, and a leading dash an option. */
function filterArgument([key, value]: [string, string]): string {
  if (!/^[a-z*][\w.*:-]*$/i.test(key) || value.startsWith("~"))
    throw new AgentError("USAGE", `look up zones: ${key}=${value} is no exact filter`);
  return `${key}=${value}`;
}
