// The other end of the daemon's socket, for commands that ask a daemon when there is one and the host otherwise.
import { request, type IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { z } from "zod";
import { AgentError } from "../errors/agent-error.ts";
import { isErrorCode } from "../errors/codes.ts";
import { envelopeSchema, type Envelope } from "../events/envelope.ts";
import { infoSchema, type Info } from "../introspect/info.ts";
import { vmEventSchema, vmObjectSchema, type VmEvent, type VmObject } from "../vmadm/schema.ts";
import { API_VERSION, errorSchema, statusSchema, type DaemonStatus } from "./api.ts";

export interface EventsQuery {
  readonly from?: number;
  readonly since?: Date;
  readonly until?: Date;
  readonly filters?: readonly string[];
}

/** Every call raises DAEMON_UNREACHABLE where no daemon answers; what it answers as an error is raised as that. */
export interface DaemonClient {
  status(signal?: AbortSignal): Promise<DaemonStatus>;
  info(signal?: AbortSignal): Promise<Info>;
  zones(signal?: AbortSignal): Promise<readonly VmObject[]>;
  /** Begins with all zones; ends when the daemon does. */
  zoneEvents(signal?: AbortSignal): AsyncIterable<VmEvent>;
  events(query: EventsQuery, signal?: AbortSignal): AsyncIterable<Envelope>;
}

/** How long a daemon may take to answer, in milliseconds. */
const ANSWER_MS = 10_000;
const MAX_BODY = 256 * 1024 * 1024;

export function createDaemonClient(socket: string): DaemonClient {
  async function open(path: string, signal?: AbortSignal): Promise<IncomingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
    const call = request({ socketPath: socket, path: `/${API_VERSION}${path}`, signal });
    call.setTimeout(ANSWER_MS, () => call.destroy(new Error(`no answer in ${ANSWER_MS / 1000} s`)));
    call.on("response", (response) => {
      call.setTimeout(0);
      resolve(response);
    });
    call.on("error", (error) => {
      reject(
        signal?.aborted ? error : new AgentError("DAEMON_UNREACHABLE", `ask the daemon at ${socket}`, { cause: error }),
      );
    });
    call.end();
    const response = await promise;
    if (response.statusCode !== 200) throw await failureOf(response);
    return response;
  }

  async function read<T>(path: string, schema: z.ZodType<T>, signal?: AbortSignal): Promise<T> {
    const parsed = schema.safeParse(JSON.parse(await bodyOf(await open(path, signal))));
    if (!parsed.success)
      throw new AgentError("INTERNAL", `the daemon's answer to ${path} reads wrong`, { cause: parsed.error });
    return parsed.data;
  }

  async function* lines<T>(path: string, schema: z.ZodType<T>, signal?: AbortSignal): AsyncGenerator<T> {
    const response = await open(path, signal);
    try {
      for await (const line of createInterface({ input: response, crlfDelay: Infinity })) {
        if (line !== "") yield schema.parse(JSON.parse(line));
      }
    } catch (error) {
      if (!signal?.aborted) throw error;
    } finally {
      response.destroy();
    }
  }

  return {
    status: (signal) => read("/status", statusSchema, signal),
    info: (signal) => read("/info", infoSchema, signal),
    zones: async (signal) => (await read("/zones", z.object({ vms: z.array(vmObjectSchema) }), signal)).vms,
    zoneEvents: (signal) => lines("/zone-events", vmEventSchema, signal),
    events: ({ from, since, until, filters = [] }, signal) => {
      const query = new URLSearchParams();
      if (from !== undefined) query.set("from", String(from));
      if (since) query.set("since", since.toISOString());
      if (until) query.set("until", until.toISOString());
      for (const filter of filters) query.append("filter", filter);
      return lines(`/events?${query.toString()}`, envelopeSchema, signal);
    },
  };
}

async function bodyOf(response: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    size += bytes.length;
    if (size > MAX_BODY) throw new AgentError("INTERNAL", `the daemon's answer is larger than ${MAX_BODY} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function failureOf(response: IncomingMessage): Promise<AgentError> {
  const text = await bodyOf(response);
  try {
    const { error } = errorSchema.parse(JSON.parse(text));
    const code = isErrorCode(error.code) ? error.code : "INTERNAL";
    return new AgentError(code, error.message, error.hint === undefined ? {} : { hint: error.hint });
  } catch {
    return new AgentError("INTERNAL", `the daemon answered ${response.statusCode ?? 0}`);
  }
}
