// Answers a registry's challenge: Bearer tokens, with or without an account, and Basic (container-specs.md 10.3).
import { z } from "zod";
import { AgentError } from "../../errors/agent-error.ts";
import { LIMITS } from "../limits.ts";
import { parseJson, parseWith } from "../oci/documents.ts";
import type { Challenge } from "./challenge.ts";
import { basicAuthorization } from "./credentials.ts";
import type { Credentials, FoundCredentials } from "./credential.ts";
import { hostOf, isPrivateToNode, type Endpoint } from "./endpoint.ts";
import { sendPatiently, type Patience } from "./retry.ts";
import type { HttpRequest } from "./transport.ts";

const tokenSchema = z.object({
  token: z.string().optional(),
  access_token: z.string().optional(),
  expires_in: z.number().positive().optional().catch(undefined),
});

/** Seconds a token lives when its server does not say (token.md of distribution). */
const DEFAULT_EXPIRY_S = 60;
/** A token is not used in its last seconds. */
const MARGIN_MS = 10_000;
const CLIENT_ID = "zonelet";

interface Token {
  readonly value: string;
  readonly usableUntil: number;
}

export interface AuthorizationOptions {
  readonly patience: Patience;
  readonly endpoint: Endpoint;
  /** `repository:team/app:pull`; undefined to ask for nothing but who we are. */
  readonly scope: string | undefined;
  /** Asked at the first challenge, never before: public images must not fail over a login nobody needs. */
  readonly findCredentials: () => Promise<FoundCredentials>;
}

/**
 * What is needed to read one scope of one registry. Tokens are kept until shortly before they expire and fetched by one
 * request at a time.
 */
export class Authorization {
  readonly #options: AuthorizationOptions;
  #scheme: "none" | "basic" | "bearer" = "none";
  #challenge: Challenge | undefined;
  #token: Token | undefined;
  #fetching: Promise<Token | undefined> | undefined;
  #found: Promise<FoundCredentials> | undefined;

  constructor(options: AuthorizationOptions) {
    this.#options = options;
  }

  /** Value for the Authorization header; undefined while the registry has not asked for one. */
  async header(signal: AbortSignal | undefined): Promise<string | undefined> {
    if (this.#scheme === "basic") return this.#basic();
    if (this.#scheme === "none") return undefined;
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
    if (bearer === undefined) return this.#answerBasic(challenges, used);
    if (used !== undefined && bearer.parameters["error"] === "insufficient_scope") return false;
    this.#scheme = "bearer";
    this.#challenge = bearer;
    // Another request may have renewed it meanwhile.
    if (this.#token !== undefined && `Bearer ${this.#token.value}` !== used) return true;
    return (await this.#renew(signal)) !== undefined;
  }

  /** The login that was, or could not be, used; empty when the registry never asked for one. */
  async login(): Promise<FoundCredentials> {
    return (await this.#found) ?? {};
  }

  async #answerBasic(challenges: readonly Challenge[], used: string | undefined): Promise<boolean> {
    if (!challenges.some(({ scheme }) => scheme === "basic")) return false;
    this.#scheme = "basic";
    const header = await this.#basic();
    return header !== undefined && header !== used;
  }

  async #basic(): Promise<string | undefined> {
    const credentials = await this.#credentials();
    return credentials?.kind === "password" ? basicAuthorization(credentials) : undefined;
  }

  async #credentials(): Promise<Credentials | undefined> {
    this.#found ??= this.#options.findCredentials();
    return (await this.#found).credentials;
  }

  async #renew(signal: AbortSignal | undefined): Promise<Token | undefined> {
    this.#fetching ??= this.#fetch(signal).finally(() => {
      this.#fetching = undefined;
    });
    this.#token = await this.#fetching;
    return this.#token;
  }

  async #fetch(signal: AbortSignal | undefined): Promise<Token | undefined> {
    const { patience, endpoint } = this.#options;
    const url = this.#realm();
    const request = await this.#tokenRequest(url);
    const answer = await sendPatiently(() => Promise.resolve({ ...request, signal }), patience);
    if (answer.status === 401 || answer.status === 403 || (answer.status === 400 && (await this.#credentials()))) {
      answer.discard();
      return undefined;
    }
    const what = `answer of the token server ${url.host}`;
    const body = await answer.read(LIMITS.errorBody);
    if (answer.status !== 200 || body === undefined)
      throw new AgentError(
        answer.status >= 500 ? "REGISTRY_UNREACHABLE" : "REGISTRY_PROTOCOL",
        `token server ${url.host} of ${endpoint.domain} answered ${answer.status}`,
      );
    const parsed = parseWith(tokenSchema, parseJson(body, what), what);
    // containerd lets access_token win; servers that send both send the same.
    const value = parsed.access_token ?? parsed.token;
    if (value === undefined || !/^[\x21-\x7e]+$/.test(value))
      throw new AgentError("REGISTRY_PROTOCOL", `the ${what} holds no token`);
    const lifeMs = (parsed.expires_in ?? DEFAULT_EXPIRY_S) * 1000;
    return { value, usableUntil: Date.now() + Math.max(lifeMs - MARGIN_MS, lifeMs / 2) };
  }

  /** GET with the password as Basic, as docker does; a refresh token goes by POST. */
  async #tokenRequest(url: URL): Promise<HttpRequest> {
    const credentials = await this.#credentials();
    const { service } = this.#challenge?.parameters ?? {};
    const headers = { accept: "application/json" };
    if (credentials?.kind === "identity-token") {
      const form = new URLSearchParams({ grant_type: "refresh_token", client_id: CLIENT_ID });
      if (service !== undefined) form.set("service", service);
      form.set("scope", this.#scopes().join(" "));
      form.set("refresh_token", credentials.token);
      return { url, headers, form };
    }
    if (service !== undefined) url.searchParams.append("service", service);
    for (const scope of this.#scopes()) url.searchParams.append("scope", scope);
    if (credentials === undefined) return { url, headers };
    url.searchParams.append("account", credentials.username);
    url.searchParams.append("client_id", CLIENT_ID);
    return { url, headers: { ...headers, authorization: basicAuthorization(credentials) } };
  }

  #scopes(): readonly string[] {
    const asked = (this.#challenge?.parameters["scope"] ?? "").split(" ").filter(Boolean);
    const { scope } = this.#options;
    return [...new Set(scope === undefined ? asked : [...asked, scope])].sort();
  }

  #realm(): URL {
    const { endpoint } = this.#options;
    const realm = this.#challenge?.parameters["realm"] ?? "";
    const url = URL.parse(realm);
    if (url === null || !/^https?:$/.test(url.protocol) || (url.protocol === "http:" && !endpoint.plainHttp))
      throw new AgentError(
        "REGISTRY_PROTOCOL",
        `registry ${endpoint.domain} names "${realm.slice(0, 200)}" as its token server, which is not an https URL`,
      );
    if (isPrivateToNode(hostOf(url.host)) && !isPrivateToNode(hostOf(new URL(endpoint.origin).host)))
      throw new AgentError(
        "REGISTRY_PROTOCOL",
        `registry ${endpoint.domain} names ${url.host}, an address of this node, as its token server`,
      );
    return url;
  }
}
