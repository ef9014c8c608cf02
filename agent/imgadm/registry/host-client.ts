// One registry, or one mirror of it: GETs below /v2/ with tokens, retries and refusals dealt with.
import { connectionFailure, readWords, statusFailure, type Asked } from "./failures.ts";
import type { RegistryAccess } from "./access.ts";
import { Authorization } from "./authorization.ts";
import { parseChallenges } from "./challenge.ts";
import type { Endpoint } from "./endpoint.ts";
import { sendPatiently } from "./retry.ts";
import type { HttpAnswer } from "./transport.ts";

export interface RegistryRequest {
  /** Below `/v2/`, already escaped; may have a query. */
  readonly path: string;
  /** undefined: just who we are. */
  readonly scope: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /** For the error when it is refused. */
  readonly asked: Asked;
  readonly signal: AbortSignal | undefined;
}

/** Each request is challenged anew when a token expires; more often than that in a row is a refusal. */
const MAX_CHALLENGES = 2;

export class HostClient {
  readonly endpoint: Endpoint;
  readonly #access: RegistryAccess;
  /** By scope. */
  readonly #authorizations = new Map<string | undefined, Authorization>();

  constructor(endpoint: Endpoint, access: RegistryAccess) {
    this.endpoint = endpoint;
    this.#access = access;
  }

  /** The answer with status 200 or 206; everything else is thrown as what it means to a person (failures.ts). */
  async get(request: RegistryRequest): Promise<HttpAnswer> {
    const authorization = this.#authorization(request.scope);
    for (let challenged = 0; ; challenged++) {
      const { answer, used } = await this.#send(request, authorization);
      if (answer.status === 200 || answer.status === 206) return answer;
      const challenges = parseChallenges(answer.headerLines("www-authenticate"));
      const words = await readWords(answer);
      if (answer.status === 401 && challenged < MAX_CHALLENGES) {
        if (await this.#guarded(authorization.answer(challenges, used, request.signal))) continue;
      }
      throw statusFailure(answer.status, words, this.endpoint, request.asked, {
        rateLimit: answer.header("ratelimit-limit"),
        retryAfter: answer.header("retry-after"),
        login: await authorization.login(),
      });
    }
  }

  async #send(
    { path, headers, signal }: RegistryRequest,
    authorization: Authorization,
  ): Promise<{ answer: HttpAnswer; used: string | undefined }> {
    let used: string | undefined;
    const answer = await this.#guarded(
      sendPatiently(async () => {
        used = await authorization.header(signal);
        return {
          url: this.url(path),
          headers: used === undefined ? headers : { ...headers, authorization: used },
          signal,
        };
      }, this.#access),
    );
    return { answer, used };
  }

  /** A mirror is told whose content is wanted. */
  url(path: string): URL {
    const url = new URL(`${this.endpoint.origin}/v2/${path}`);
    if (this.endpoint.mirrorOf !== undefined) url.searchParams.set("ns", this.endpoint.mirrorOf);
    return url;
  }

  async #guarded<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      throw connectionFailure(error, this.endpoint);
    }
  }

  #authorization(scope: string | undefined): Authorization {
    const known = this.#authorizations.get(scope);
    if (known) return known;
    const made = new Authorization({
      patience: this.#access,
      endpoint: this.endpoint,
      scope,
      findCredentials: () => this.#access.findCredentials(this.endpoint.domain),
    });
    this.#authorizations.set(scope, made);
    return made;
  }
}
