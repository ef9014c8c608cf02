// The daemon's socket: a Unix socket in a directory of its own, for those who may be root on this node anyway.
//
// Answers come from memory; no request starts a host command.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { chmod, mkdir, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { once } from "node:events";
import { AgentError } from "../errors/agent-error.ts";
import { fromUnknown, toWire } from "../errors/chain.ts";
import type { ErrorClass } from "../errors/classes.ts";
import type { Envelope } from "../events/envelope.ts";
import type { EventStream } from "../events/events.ts";
import { compileFilters } from "../filters/evaluate.ts";
import { eventAdaptor } from "../filters/event-fields.ts";
import { parseFilters } from "../filters/parse.ts";
import type { Logger } from "../log/logger.ts";
import type { SharedEvents } from "../vmadm/shared-events.ts";
import type { Info } from "../introspect/info.ts";
import type { LatencyTable } from "../util/latency-table.ts";
import { API_VERSION, eventsQuerySchema, type DaemonStatus } from "./api.ts";

export interface ServerOptions {
  readonly socket: string;
  readonly status: () => Promise<DaemonStatus>;
  readonly info: () => Promise<Info>;
  /** Where the time requests take is noted. */
  readonly latencies: LatencyTable;
  readonly zones: SharedEvents;
  readonly events: EventStream;
  readonly log: Logger;
  /** Ends the streams of clients. */
  readonly signal: AbortSignal;
}

const STATUS: Readonly<Partial<Record<ErrorClass, number>>> = {
  InvalidArgument: 400,
  PermissionDenied: 403,
  NotFound: 404,
  AlreadyExists: 409,
  FailedPrecondition: 409,
  ResourceExhausted: 429,
  Unimplemented: 501,
  Unavailable: 503,
  DeadlineExceeded: 504,
};

/** A blank line goes out this often, in milliseconds, so that a reader that went away is noticed. */
const KEEP_ALIVE_MS = 15_000;
const MAX_CONNECTIONS = 512;

/**
 * Listens; resolves once clients can connect. The caller holds the daemon's lock, so a socket that lies there is a dead
 * one's and goes. Closing ends the streams and removes the socket.
 */
export async function serve(options: ServerOptions): Promise<AsyncDisposable> {
  const { socket, log } = options;
  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, (request, response) => {
    const started = performance.now();
    void answer(options, request, response).finally(() => {
      // Streams last as long as their readers like.
      if (response.getHeader("content-type") === "application/json")
        options.latencies.record(
          `${request.method ?? ""} ${pathOf(request)}`,
          performance.now() - started,
          response.statusCode >= 400,
        );
    });
  });
  server.maxConnections = MAX_CONNECTIONS;
  const directory = dirname(socket);
  await mkdir(directory, { recursive: true });
  await chmod(directory, 0o750);
  await rm(socket, { force: true });
  await listen(server, socket);
  await chmod(socket, 0o660);
  server.on("error", (error) => log.error({ err: error }, "socket failed"));
  return {
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeIdleConnections();
      await rm(socket, { force: true });
    },
  };
}

const BASE = "http://zonelet";
/** Names of requests in the figures: what nobody knows has one name, however it is spelled. */
const KNOWN = new Set(["status", "info", "zones"].map((name) => `/${API_VERSION}/${name}`));

function pathOf(request: IncomingMessage): string {
  const [path = ""] = (request.url ?? "").split("?");
  return KNOWN.has(path) ? path : "other";
}

async function listen(server: Server, socket: string): Promise<void> {
  const listening = once(server, "listening");
  server.listen(socket);
  try {
    await listening;
  } catch (error) {
    throw new AgentError("SOCKET_FAILED", `listen on ${socket}`, {
      cause: error,
      hint: "a Unix socket's path has room for some 100 characters, and its directory has to be writable",
    });
  }
}

async function answer(options: ServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const url = new URL(request.url ?? "/", BASE);
    if (request.method !== "GET") throw new AgentError("API_UNKNOWN", `${request.method ?? ""} ${url.pathname}`);
    switch (url.pathname) {
      case `/${API_VERSION}/status`:
        json(response, await options.status());
        return;
      case `/${API_VERSION}/info`:
        json(response, await options.info());
        return;
      case `/${API_VERSION}/zones`: {
        const vms = options.zones.zones();
        if (!vms) throw new AgentError("VMINFOD_UNAVAILABLE", "the zones are not known yet");
        json(response, { vms });
        return;
      }
      case `/${API_VERSION}/zone-events`:
        await stream(options, response, (signal) => options.zones.events({ signal }));
        return;
      case `/${API_VERSION}/events`: {
        const subscribe = eventsOf(options, url.searchParams);
        await stream(options, response, subscribe);
        return;
      }
      default:
        throw new AgentError("API_UNKNOWN", `${request.method} ${url.pathname}`, {
          hint: `this daemon speaks ${API_VERSION}`,
        });
    }
  } catch (error) {
    const failure = fromUnknown(error);
    if (failure.code === "INTERNAL") options.log.error({ err: failure }, "request failed");
    if (response.headersSent) response.destroy();
    else json(response, { error: toWire(failure) }, STATUS[failure.class] ?? 500);
  }
}

function eventsOf(
  options: ServerOptions,
  parameters: URLSearchParams,
): (signal: AbortSignal) => AsyncIterable<Envelope> {
  const parsed = eventsQuerySchema.safeParse({
    ...Object.fromEntries([...parameters].filter(([key]) => key !== "filter")),
    filter: parameters.getAll("filter"),
  });
  if (!parsed.success)
    throw new AgentError(
      "USAGE",
      `parameter ${parsed.error.issues[0]?.path.join(".") ?? ""}: ${parsed.error.issues[0]?.message ?? ""}`,
    );
  const { from, since, until, filter } = parsed.data;
  const matches = compileFilters<Envelope>(parseFilters(filter), eventAdaptor);
  const start = from !== undefined ? { seq: from } : since !== undefined ? { time: new Date(since) } : undefined;
  return (signal) =>
    options.events.subscribe({
      signal,
      matches,
      ...(start === undefined ? {} : { since: start }),
      ...(until === undefined ? {} : { until: new Date(until) }),
    });
}

/** JSON lines until the source ends, the reader goes away, or the daemon stops. A slow reader holds up only itself. */
async function stream(
  options: ServerOptions,
  response: ServerResponse,
  source: (signal: AbortSignal) => AsyncIterable<object>,
): Promise<void> {
  const gone = new AbortController();
  response.on("close", () => gone.abort());
  const signal = AbortSignal.any([gone.signal, options.signal]);
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  response.flushHeaders();
  const keepAlive = setInterval(() => response.write("\n"), KEEP_ALIVE_MS);
  try {
    for await (const item of source(signal)) {
      if (response.write(lineOf(item))) continue;
      try {
        await once(response, "drain", { signal });
      } catch {
        break; // the reader or the daemon went away
      }
    }
  } finally {
    clearInterval(keepAlive);
    response.end();
  }
}

/** What many readers are sent is put into words once. */
const linesOf = new WeakMap<object, string>();

function lineOf(item: object): string {
  let line = linesOf.get(item);
  if (line === undefined) {
    line = `${JSON.stringify(item)}\n`;
    linesOf.set(item, line);
  }
  return line;
}

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.statusCode = status;
  response.setHeader("content-type", "application/json");
  response.end(`${JSON.stringify(body)}\n`);
}
