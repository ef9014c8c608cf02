// What a registry's refusal means to a person (users-and-ecosystem.md A4).
import { z } from "zod";
import { AgentError } from "../../errors/agent-error.ts";
import { LIMITS } from "../limits.ts";
import type { Endpoint } from "./endpoint.ts";
import type { FoundCredentials } from "./credential.ts";
import { parseRetryAfter } from "./retry.ts";
import { codeOf, networkFailure, type HttpAnswer } from "./transport.ts";

const errorBody = z.object({
  errors: z
    .array(z.object({ code: z.string().catch("UNKNOWN"), message: z.string().nullish().catch(undefined) }))
    .min(1),
});

export interface RegistryWords {
  readonly code: string | undefined;
  readonly message: string | undefined;
}

/** The first error of the body, or the first line of whatever else it holds. Never throws on a bad body. */
export async function readWords(answer: HttpAnswer): Promise<RegistryWords> {
  const body = await answer.read(LIMITS.errorBody).catch(() => undefined);
  const text = body?.toString("utf8") ?? "";
  try {
    const [first] = errorBody.parse(JSON.parse(text)).errors;
    return { code: first && printable(first.code), message: first?.message ? printable(first.message) : undefined };
  } catch {
    const line = text.startsWith("<") ? "" : printable(text.split("\n", 1)[0] ?? "");
    return { code: undefined, message: line === "" ? undefined : line };
  }
}

/** Hostile text on its way to a terminal. */
function printable(text: string): string {
  return text
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, " ")
    .slice(0, 300)
    .trim();
}

/** What was asked for; goes into the message. */
export interface Asked {
  /** `docker.io/library/nginx:1.27`, or what else the answer would have been about. */
  readonly what: string;
  /** Repository without tag. */
  readonly repository: string;
  readonly object: "manifest" | "blob" | "tags" | "catalog" | "login";
}

export interface RefusalContext {
  readonly rateLimit?: string | undefined;
  readonly retryAfter?: string | undefined;
  readonly login?: FoundCredentials;
}

/** The error for a final answer that is neither 2xx nor 206. */
export function statusFailure(
  status: number,
  words: RegistryWords,
  endpoint: Endpoint,
  asked: Asked,
  context: RefusalContext = {},
): AgentError {
  const said = [words.code, words.message].filter((part) => part !== undefined && part !== "").join(": ");
  const tail = said === "" ? String(status) : `${status} ${said}`;
  const details = { registry: endpoint.domain, status };
  if (
    asked.object === "catalog" &&
    (status === 405 || status === 501 || (status === 401 && context.login?.credentials))
  )
    return notFound(tail, endpoint, asked, details);
  if (asked.object === "login" && status === 404)
    return new AgentError("REGISTRY_PROTOCOL", `${endpoint.domain} is no registry: it has no /v2/`, { details });
  if (status === 404) return notFound(tail, endpoint, asked, details);
  if (asked.object === "login" && status >= 400 && status < 500)
    return new AgentError("REGISTRY_DENIED", `registry ${endpoint.domain} refuses ${asked.what} (${status})`, {
      hint: `nothing was saved; look at user and password${saidTail(said)}`,
      details,
    });
  if (status === 401 || status === 403)
    return new AgentError(
      "REGISTRY_DENIED",
      `access denied by ${endpoint.domain} for ${asked.repository} (${status})`,
      { hint: deniedHint(asked, said, endpoint, context.login ?? {}), details },
    );
  if (status === 429)
    return new AgentError("REGISTRY_LIMIT", `${endpoint.domain}: ${limitWords(context)}`, {
      hint: `${context.login?.credentials === undefined ? `log in (zonelet login ${endpoint.domain}), ` : ""}wait, or set a mirror (registries.hosts."${endpoint.domain}".mirrors)${saidTail(said)}`,
      details,
    });
  if (status >= 500)
    return new AgentError("REGISTRY_UNREACHABLE", `registry ${endpoint.domain} answers ${tail}`, {
      hint: "it is in trouble itself: try again later",
      details,
    });
  return new AgentError("REGISTRY_PROTOCOL", `registry ${endpoint.domain} answered ${tail} for ${asked.what}`, {
    details,
  });
}

function notFound(tail: string, endpoint: Endpoint, asked: Asked, details: Record<string, unknown>): AgentError {
  switch (asked.object) {
    case "blob":
      return new AgentError("IMAGE_CORRUPT", `${asked.what}: the registry lacks a part of the image (${tail})`, {
        hint: "push the image again",
        details,
      });
    case "manifest":
    case "tags":
      return new AgentError("IMAGE_NOT_FOUND", `image not found: ${asked.what}`, {
        hint: `registry ${endpoint.domain} answered ${tail}; see what there is: zonelet registry ls ${endpoint.domain}/${asked.repository}`,
        details,
      });
    case "login":
    case "catalog":
      return new AgentError("REGISTRY_NO_CATALOG", `registry ${endpoint.domain} does not list its repositories`, {
        hint: `it answered ${tail}; name one: zonelet registry ls ${endpoint.domain}/REPOSITORY`,
        details,
      });
  }
}

function deniedHint(
  asked: Asked,
  said: string,
  { domain }: Endpoint,
  { credentials, remark }: FoundCredentials,
): string {
  const about = remark === undefined ? "" : ` (${remark})`;
  const told = saidTail(said);
  if (asked.object === "catalog")
    return `it lists its repositories to those logged in, or to nobody${about}: zonelet login ${domain}, or name one: zonelet registry ls ${domain}/REPOSITORY${told}`;
  return credentials === undefined
    ? `it does not exist or may require a login: zonelet login ${domain}${about}${told}`
    : `it does not exist, or the login is wrong or not allowed to read it${about}: zonelet login ${domain}${told}`;
}

function saidTail(said: string): string {
  return said === "" ? "" : `; the registry said: ${said}`;
}

/** `100;w=21600` as ", 100 per 6 h"; the time at which it is worth asking again, where the registry tells. */
function limitWords({ rateLimit, retryAfter }: RefusalContext): string {
  const match = rateLimit === undefined ? null : /^(\d+)(?:;w=(\d+))?/.exec(rateLimit);
  const hours = Number(match?.[2]) / 3600;
  const limit =
    match === null
      ? ""
      : match[2] === undefined
        ? `, ${match[1] ?? ""}`
        : `, ${match[1] ?? ""} per ${Math.round(hours * 10) / 10} h`;
  const ms = retryAfter === undefined ? undefined : parseRetryAfter(retryAfter, Date.now());
  const until = ms === undefined ? "" : `, resets ${new Date(Date.now() + ms).toTimeString().slice(0, 5)}`;
  return `pull limit reached (429)${limit}${until}`;
}

/** The error for a request that got no answer; anything that did not come from the network is returned as it is. */
export function connectionFailure(error: unknown, endpoint: Endpoint): unknown {
  const failure = networkFailure(error);
  const registry = endpoint.domain;
  switch (failure) {
    case undefined:
      return error;
    case "plain-http":
      return new AgentError("REGISTRY_PLAIN_HTTP", `registry ${registry} speaks plain HTTP`, {
        cause: error,
        hint: `if you trust the network to it, add it to the configuration: registries.insecure: ["${registry}"]`,
      });
    case "untrusted":
      return new AgentError("REGISTRY_UNTRUSTED", `registry ${registry}: its certificate is not trusted`, {
        cause: error,
        hint: untrustedHint(error, registry),
      });
    case "tls":
      return new AgentError("REGISTRY_UNTRUSTED", `registry ${registry} refuses the TLS connection`, {
        cause: error,
        hint: `it may want a client certificate: set registries.hosts."${registry}".cert and .key`,
      });
    case "headers":
      return new AgentError("REGISTRY_PROTOCOL", `registry ${registry} sends headers larger than 16 KiB`, {
        cause: error,
      });
    case "unknown-host":
      return unreachable(
        registry,
        "its name does not resolve",
        "look at the spelling and at the node's resolvers",
        error,
      );
    case "refused":
      return unreachable(
        registry,
        "nothing listens there or no route leads to it",
        "look at the port, and whether it runs",
        error,
      );
    case "timeout":
      return unreachable(
        registry,
        "it did not answer in time",
        "try again later; a firewall or a proxy (registries.proxy) may be in between",
        error,
      );
    case "broken":
      return unreachable(
        registry,
        "the connection broke",
        endpoint.plainHttp ? "it may expect https; else try again" : "try again: what has arrived is kept",
        error,
      );
  }
}

function untrustedHint(error: unknown, registry: string): string {
  const code = codeOf(error);
  if (code === "CERT_HAS_EXPIRED" || code === "CERT_NOT_YET_VALID")
    return "it has expired or is not valid yet: renew it, or look at the node's clock";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID" || code === "HOSTNAME_MISMATCH")
    return "it was made for another name than the one in the reference";
  return `name the authority that signed it: registries.hosts."${registry}".ca: /path/to/ca.pem`;
}

function unreachable(registry: string, why: string, hint: string, cause: unknown): AgentError {
  return new AgentError("REGISTRY_UNREACHABLE", `registry ${registry} is unreachable: ${why}`, {
    cause,
    hint,
    details: { registry },
  });
}
