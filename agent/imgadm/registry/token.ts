// Bearer tokens for reading without an account (container-specs.md 10.3). Credentials (`zonelet login`) will enter here.
import { z } from "zod";
import { AgentError } from "../../errors/agent-error.ts";
import { LIMITS } from "../limits.ts";
import { parseJson, parseWith } from "../oci/documents.ts";
import type { Challenge } from "./challenge.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Transport } from "./transport.ts";

const tokenSchema = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().positive().optional().catch(undefined),
});

/** Seconds a token lives when its server does not say (token.md of distribution). */
const DEFAULT_EXPIRY_S = 60;
/** A token is not used in its last seconds. */
const MARGIN_MS = 10_000;

interface Token {
  readonly value: string;
  readonly usableUntil: number;
}

/** Tokens of one registry and repository. One fetch at a time; renewed when it has expired or was refused. */
export class PullToken {
  readonly #transport: Transport;
  readonly #endpoint: Endpoint;
  readonly #repository: string;
  #token: Token | undefined;
  #fetching: Promise<Token | undefined> | undefined;
  #challenge: Challenge | undefined;

  constructor(transport: Transport, endpoint: Endpoint, repository: string) {
    this.#transport = transport;
    this.#endpoint = endpoint;
    this.#repository = repository;
  }

  /** Value for the Authorization header; undefined while the registry has not asked for one. */
  async authorization(signal: AbortSignal | undefined): Promise<string | undefined> {
    if (this.#challenge === undefined) return undefined;
    if (this.#token === undefined || this.#token.usableUntil <= Date.now()) await this.#renew(signal);
    return this.#token === undefined ? undefined : `Bearer ${this.#token.value}`;
  }

  /**
   * Answers a 401 that was given to `used` (the header value sent). True: try again. False: nothing of what the
   * registry asks for can be given.
   */
  async answer(
    challenges: readonly Challenge[],
    used: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    if (bearer === undefined || (used !== undefined && bearer.parameters["error"] === "insufficient_scope"))
      return false;
    this.#challenge = bearer;
    // Another request may have renewed it meanwhile.
    if (this.#token !== undefined && `Bearer ${this.#token.value}` !== used) return true;
    return (await this.#renew(signal)) !== undefined;
  }

  async #renew(signal: AbortSignal | undefined): Promise<Token | undefined> {
    this.#fetching ??= this.#fetch(signal).finally(() => {
      this.#fetching = undefined;
    });
    this.#token = await this.#fetching;
    return this.#token;
  }

  async #fetch(signal: AbortSignal | undefined): Promise<Token | undefined> {
    const url = this.#realm();
    const { service, scope } = this.#challenge?.parameters ?? {};
    if (service !== undefined) url.searchParams.append("service", service);
    const scopes = new Set([...(scope ?? "").split(" ").filter(Boolean), `repository:${this.#repository}:pull`]);
    for (const each of [...scopes].sort()) url.searchParams.append("scope", each);
    const answer = await this.#transport.get({ url, headers: { accept: "application/json" }, signal });
    if (answer.status === 401 || answer.status === 403) {
      answer.discard();
      return undefined;
    }
    const what = `answer of the token server ${url.host}`;
    const body = await answer.read(LIMITS.errorBody);
    if (answer.status !== 200 || body === undefined)
      throw new AgentError(
        answer.status >= 500 ? "REGISTRY_UNREACHABLE" : "REGISTRY_PROTOCOL",
        `token server ${url.host} of ${this.#endpoint.domain} answered ${answer.status}`,
      );
    const parsed = parseWith(tokenSchema, parseJson(body, what), what);
    // containerd lets access_token win; servers that send both send the same.
    const value = parsed.access_token ?? parsed.token;
    if (value === undefined || !/^[\x21-\x7e]+$/.test(value))
      throw new AgentError("REGISTRY_PROTOCOL", `the ${what} holds no token`);
    const lifeMs = (parsed.expires_in ?? DEFAULT_EXPIRY_S) * 1000;
    return { value, usableUntil: Date.now() + Math.max(lifeMs - MARGIN_MS, lifeMs / 2) };
  }

  #realm(): URL {
    const realm = this.#challenge?.parameters["realm"] ?? "";
    const url = URL.parse(realm);
    if (url === null || !/^https?:$/.test(url.protocol) || (url.protocol === "http:" && !this.#endpoint.plainHttp))
      throw new AgentError(
        "REGISTRY_PROTOCOL",
        `registry ${this.#endpoint.domain} names "${realm.slice(0, 200)}" as its token server, which is not an https URL`,
      );
    return url;
  }
}
