// HTTP, and the only importer of undici: one request with its deadlines and redirects, without judging the answer.
//
// undici is loaded when the first request is made: it costs more than all the rest of a command's start.
import type { Dispatcher } from "undici";
import type { Config } from "../../config/schema.ts";
import { AgentError } from "../../errors/agent-error.ts";
import { certificatesByHost, type HostCertificates } from "./host-certificates.ts";
import { hostOf, isLoopback, isPrivateToNode } from "./endpoint.ts";

export interface HttpRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** Sent by POST when present. Such a request is not redirected: the answer is the redirect itself. */
  readonly form?: URLSearchParams;
}

export interface HttpAnswer {
  readonly status: number;
  header(name: string): string | undefined;
  /** All lines of a header that may be repeated. */
  headerLines(name: string): readonly string[];
  readonly body: AsyncIterable<Uint8Array>;
  /** Reads at most `limit` bytes; undefined when there are more. Rejects with a timeout when they take too long. */
  read(limit: number): Promise<Buffer | undefined>;
  /** Gives up the body and frees the connection. */
  discard(): void;
}

export interface Transport {
  /**
   * GET (POST with a form), following redirects. The Authorization header goes to the first host only. Rejects with
   * network errors as undici raises them.
   */
  request(request: HttpRequest): Promise<HttpAnswer>;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;
const HEADERS_TIMEOUT_MS = 30_000;
/** Silence in the middle of a body after which the connection counts as dead. */
const BODY_TIMEOUT_MS = 60_000;
const MAX_REDIRECTS = 10;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** A small document that takes longer is dripped at us. */
const READ_TIMEOUT_MS = 60_000;

interface Connections {
  request(url: URL, options: Omit<HttpRequest, "url">): Promise<Dispatcher.ResponseData<unknown>>;
  close(): Promise<void>;
}

export interface TransportOptions {
  readonly proxies: Config["proxies"];
  readonly registries: Pick<Config["registries"], "hosts">;
}

/** Nothing is loaded or opened before the first request. */
export function createTransport(options: TransportOptions): Transport {
  let connections: Promise<Connections> | undefined;
  return {
    request: async (req) => follow(req, await (connections ??= openConnections(options))),
    close: async () => {
      await (await connections)?.close();
    },
  };
}

async function openConnections({ proxies, registries }: TransportOptions): Promise<Connections> {
  const { Agent, EnvHttpProxyAgent, request } = await import("undici");
  const certificates = certificatesByHost(registries);
  const dispatchers = new Map<string, Dispatcher>();
  const open = (tls: HostCertificates, direct: boolean): Dispatcher => {
    const options = {
      connect: { timeout: CONNECT_TIMEOUT_MS, ...tls },
      headersTimeout: HEADERS_TIMEOUT_MS,
      bodyTimeout: BODY_TIMEOUT_MS,
      connections: 8,
    };
    if (direct || (proxies.http === undefined && proxies.https === undefined)) return new Agent(options);
    // Empty strings keep undici from reading the environment itself.
    return new EnvHttpProxyAgent({
      ...options,
      requestTls: tls,
      httpProxy: proxies.http ?? "",
      httpsProxy: proxies.https ?? "",
      noProxy: proxies.none ?? "",
    });
  };
  const dispatcherFor = (url: URL): Dispatcher => {
    const tls = url.protocol === "https:" ? certificates.of(url.host) : undefined;
    const direct = isLoopback(urlHost(url));
    // A certificate is shown to its own host only, wherever redirects lead.
    const key = tls === undefined ? (direct ? "direct" : "proxied") : url.host;
    const dispatcher = dispatchers.get(key) ?? open(tls ?? {}, direct);
    dispatchers.set(key, dispatcher);
    return dispatcher;
  };
  return {
    request: (url, { headers, signal, form }) =>
      request(url, {
        method: form === undefined ? "GET" : "POST",
        headers: {
          "user-agent": "zonelet",
          ...headers,
          ...(form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded; charset=utf-8" }),
        },
        dispatcher: dispatcherFor(url),
        ...(form === undefined ? {} : { body: form.toString() }),
        ...(signal ? { signal } : {}),
      }),
    close: async () => {
      await Promise.all([...dispatchers.values()].map((dispatcher) => dispatcher.destroy()));
    },
  };
}

async function follow(req: HttpRequest, connections: Connections): Promise<HttpAnswer> {
  let { url, headers } = req;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const response = await connections.request(url, { ...req, headers });
    const answer = toAnswer(response);
    const location = answer.header("location");
    if (!REDIRECTS.has(response.statusCode) || location === undefined || req.form !== undefined) return answer;
    answer.discard();
    const next = redirectTarget(url, location);
    if (next.host !== url.host) {
      headers = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== "authorization"));
    }
    url = next;
  }
  throw new AgentError("REGISTRY_PROTOCOL", `${req.url.host} redirects more than ${MAX_REDIRECTS} times`);
}

/** Where a redirect may lead: never from https to http, never from elsewhere into this node (E2). */
export function redirectTarget(from: URL, location: string): URL {
  const target = URL.parse(location, from.href);
  if (target === null || !/^https?:$/.test(target.protocol))
    throw new AgentError(
      "REGISTRY_PROTOCOL",
      `${from.host} redirects to "${location.slice(0, 200)}", which is not a URL`,
    );
  if (from.protocol === "https:" && target.protocol === "http:")
    throw new AgentError("REGISTRY_PROTOCOL", `${from.host} redirects from https to plain http (${target.host})`);
  if (isPrivateToNode(urlHost(target)) && !isPrivateToNode(urlHost(from)))
    throw new AgentError("REGISTRY_PROTOCOL", `${from.host} redirects to ${target.host}, an address of this node`);
  return target;
}

function urlHost(url: URL): string {
  return hostOf(url.host);
}

function toAnswer(response: Dispatcher.ResponseData<unknown>): HttpAnswer {
  const headerLines = (name: string): readonly string[] => {
    const value = response.headers[name];
    return value === undefined ? [] : typeof value === "string" ? [value] : value;
  };
  return {
    status: response.statusCode,
    header: (name) => headerLines(name)[0],
    headerLines,
    body: response.body,
    read: async (limit) => {
      const chunks: Buffer[] = [];
      let length = 0;
      const timer = setTimeout(() => {
        response.body.destroy(timeoutError(`the answer was not complete after ${READ_TIMEOUT_MS} ms`));
      }, READ_TIMEOUT_MS);
      try {
        for await (const chunk of bytesOf(response.body)) {
          length += chunk.length;
          // Leaving the loop destroys the body and with it the connection.
          if (length > limit) return undefined;
          chunks.push(chunk);
        }
        return Buffer.concat(chunks);
      } finally {
        clearTimeout(timer);
      }
    },
    discard: () => {
      response.body.on("error", () => undefined).destroy();
    },
  };
}

/** An error that counts as a timeout of the network. */
export function timeoutError(message: string): Error {
  return Object.assign(new Error(message), { code: "ETIMEDOUT" });
}

async function* bytesOf(body: AsyncIterable<unknown>): AsyncGenerator<Buffer> {
  for await (const chunk of body)
    if (chunk instanceof Uint8Array) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}

/** Why a request got no (whole) answer. */
export type NetworkFailure =
  "refused" | "unknown-host" | "timeout" | "broken" | "untrusted" | "tls" | "plain-http" | "headers";

/** The registry's certificate is not good. Whatever else TLS complains about follows. */
const UNTRUSTED = /^(?:CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|ERR_TLS_CERT)/;
const TLS_CODES = /^(?:ERR_TLS|ERR_SSL)/;

const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  "ETIMEDOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);

/** `error.code`, its cause's or that of its first part; "" where there is none. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0]);
  if ("code" in error && typeof error.code === "string") return error.code;
  return codeOf(error.cause);
}

/** undefined for what did not come from the network: aborts, our own errors, bugs. */
export function networkFailure(error: unknown): NetworkFailure | undefined {
  if (!(error instanceof Error) || error instanceof AgentError || error.name === "AbortError") return undefined;
  if (error instanceof AggregateError && error.errors.length > 0) return networkFailure(error.errors[0]);
  const code = codeOf(error);
  if (code === "ERR_SSL_WRONG_VERSION_NUMBER" || code === "ERR_SSL_PACKET_LENGTH_TOO_LONG") return "plain-http";
  if (UNTRUSTED.test(code)) return "untrusted";
  if (TLS_CODES.test(code)) return "tls";
  if (code === "UND_ERR_HEADERS_OVERFLOW" || code === "HPE_HEADER_OVERFLOW") return "headers";
  if (TIMEOUT_CODES.has(code)) return "timeout";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return "unknown-host";
  if (code === "ECONNREFUSED" || code === "EHOSTUNREACH" || code === "ENETUNREACH") return "refused";
  if (code === "ECONNRESET" || code === "EPIPE" || code.startsWith("UND_ERR") || code.startsWith("HPE_"))
    return "broken";
  return error.cause === undefined ? undefined : networkFailure(error.cause);
}
