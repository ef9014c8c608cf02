// What a registry's refusal means to a person (users-and-ecosystem.md A4).
import { z } from "zod";
import { AgentError } from "../../errors/agent-error.ts";
import { LIMITS } from "../limits.ts";
import type { Endpoint } from "./endpoint.ts";
import { networkFailure, type HttpAnswer } from "./transport.ts";

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
  /** `docker.io/library/nginx:1.27` */
  readonly image: string;
  /** Repository without tag. */
  readonly repository: string;
  readonly object: "manifest" | "blob";
}

/** The error for a final answer that is neither 2xx nor 206. */
export function statusFailure(
  status: number,
  words: RegistryWords,
  endpoint: Endpoint,
  asked: Asked,
  headers: { readonly rateLimit?: string | undefined; readonly retryAfter?: string | undefined } = {},
): AgentError {
  const said = [words.code, words.message].filter((part) => part !== undefined && part !== "").join(": ");
  const tail = said === "" ? String(status) : `${status} ${said}`;
  if (status === 404) {
    if (asked.object === "blob")
      return new AgentError("IMAGE_CORRUPT", `${asked.image}: the registry lacks a part of the image (${tail})`);
    return new AgentError("IMAGE_NOT_FOUND", `image not found: ${asked.image}`, {
      hint: `registry ${endpoint.domain} answered ${tail}`,
      details: { registry: endpoint.domain, status },
    });
  }
  if (status === 401 || status === 403)
    return new AgentError(
      "REGISTRY_DENIED",
      `access denied by ${endpoint.domain} for ${asked.repository} (${status})`,
      {
        hint: `the repository does not exist or is not public${said === "" ? "" : `; the registry said: ${said}`}`,
        details: { registry: endpoint.domain, status },
      },
    );
  if (status === 429) {
    const until = headers.retryAfter === undefined ? "" : `, try again in ${headers.retryAfter} s`;
    return new AgentError(
      "REGISTRY_LIMIT",
      `${endpoint.domain}: pull limit reached (429)${limitText(headers.rateLimit)}${until}`,
      {
        hint: said === "" ? "wait, or use another registry that has the image" : `the registry said: ${said}`,
        details: { registry: endpoint.domain },
      },
    );
  }
  if (status >= 500)
    return new AgentError("REGISTRY_UNREACHABLE", `registry ${endpoint.domain} answers ${tail}`, {
      details: { registry: endpoint.domain, status },
    });
  return new AgentError("REGISTRY_PROTOCOL", `registry ${endpoint.domain} answered ${tail} for ${asked.image}`);
}

/** `100;w=21600` as ", 100 per 6 h". */
function limitText(header: string | undefined): string {
  const match = header === undefined ? null : /^(\d+)(?:;w=(\d+))?/.exec(header);
  if (match === null) return "";
  const hours = Number(match[2]) / 3600;
  return match[2] === undefined ? `, ${match[1] ?? ""}` : `, ${match[1] ?? ""} per ${Math.round(hours * 10) / 10} h`;
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
    case "tls":
      return new AgentError("REGISTRY_UNREACHABLE", `registry ${registry}: its certificate is not trusted`, {
        cause: error,
        hint: "the certificate must be signed by an authority this node knows, for the name used in the reference",
      });
    case "unknown-host":
      return unreachable(registry, "its name does not resolve", error);
    case "refused":
      return unreachable(registry, "nothing listens there or no route leads to it", error);
    case "timeout":
      return unreachable(registry, "it did not answer in time", error);
    case "broken":
      return endpoint.plainHttp
        ? unreachable(registry, "the connection broke (does it expect https?)", error)
        : unreachable(registry, "the connection broke", error);
  }
}

function unreachable(registry: string, why: string, cause: unknown): AgentError {
  return new AgentError("REGISTRY_UNREACHABLE", `registry ${registry} is unreachable: ${why}`, {
    cause,
    details: { registry },
  });
}
