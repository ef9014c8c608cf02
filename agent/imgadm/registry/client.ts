// Pulling from a registry of the distribution API: manifest by reference, blobs by digest, everything by GET.
//
// Not yet here, each with its place: credentials (token.ts), mirrors (endpoint.ts), private CAs (transport.ts).
import { createHash } from "node:crypto";
import type { Config } from "../../config/schema.ts";
import { AgentError } from "../../errors/agent-error.ts";
import type { Logger } from "../../log/logger.ts";
import { digestFromHex } from "../../util/ids.ts";
import { LIMITS } from "../limits.ts";
import type { ContentSource } from "../oci/content-source.ts";
import type { Descriptor } from "../oci/documents.ts";
import { ACCEPT_MANIFESTS } from "../oci/media-types.ts";
import type { RootDocument } from "../oci/resolve.ts";
import type { ImageReference } from "../reference.ts";
import { parseChallenges } from "./challenge.ts";
import { registryEndpoint, type Endpoint } from "./endpoint.ts";
import { connectionFailure, readWords, statusFailure, type Asked } from "./failures.ts";
import { pause, RETRY, RETRYABLE_STATUS, retryDelayMs, type RetryPolicy } from "./retry.ts";
import { PullToken } from "./token.ts";
import { networkFailure, type HttpAnswer, type Transport } from "./transport.ts";

export interface RegistryOptions {
  readonly transport: Transport;
  readonly registries: Config["registries"];
  readonly log: Logger;
  readonly retry?: RetryPolicy;
}

/** One repository of one registry, as far as pulling needs it. */
export class RepositoryClient implements ContentSource {
  readonly #options: RegistryOptions;
  readonly #retry: RetryPolicy;
  readonly #endpoint: Endpoint;
  readonly #reference: ImageReference;
  readonly #token: PullToken;

  constructor(reference: ImageReference, options: RegistryOptions) {
    this.#options = options;
    this.#retry = options.retry ?? RETRY;
    this.#reference = reference;
    this.#endpoint = registryEndpoint(reference.domain, options.registries);
    this.#token = new PullToken(options.transport, this.#endpoint, reference.path);
  }

  /**
   * The manifest or index the reference names. Its bytes hash to the digest asked for, or to what the registry claims
   * for a tag. IMAGE_NOT_FOUND, REGISTRY_DENIED, REGISTRY_LIMIT, REGISTRY_UNREACHABLE, REGISTRY_PLAIN_HTTP, IMAGE_CORRUPT.
   */
  async root(signal: AbortSignal | undefined): Promise<RootDocument> {
    const { digest, tag } = this.#reference;
    const answer = await this.#get(
      "manifest",
      `manifests/${digest ?? tag ?? "latest"}`,
      { accept: ACCEPT_MANIFESTS },
      signal,
    );
    const bytes = await this.#read(answer, LIMITS.manifest, `manifest of ${this.#reference.canonical}`);
    const actual = sha256(bytes);
    const expected = digest ?? answer.header("docker-content-digest");
    if (expected !== undefined && expected.startsWith("sha256:") && expected !== actual)
      throw new AgentError(
        "IMAGE_CORRUPT",
        `manifest of ${this.#reference.canonical}: its digest is ${actual}, not ${expected.slice(0, 80)}`,
      );
    return { bytes, digest: actual, contentType: answer.header("content-type") };
  }

  async document(descriptor: Descriptor, limit: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const what = `${descriptor.digest} of ${this.#reference.canonical}`;
    if (descriptor.size > limit) throw new AgentError("IMAGE_CORRUPT", `${what} is larger than ${limit} bytes`);
    const isManifest = /manifest|index/.test(descriptor.mediaType);
    const answer = await this.#get(
      isManifest ? "manifest" : "blob",
      `${isManifest ? "manifests" : "blobs"}/${descriptor.digest}`,
      { accept: descriptor.mediaType === "" ? "*/*" : `${descriptor.mediaType}, */*` },
      signal,
    );
    const bytes = await this.#read(answer, descriptor.size, what);
    if (bytes.length !== descriptor.size)
      throw new AgentError("IMAGE_CORRUPT", `${what}: got ${bytes.length} of ${descriptor.size} bytes`);
    const actual = sha256(bytes);
    if (actual !== descriptor.digest) throw new AgentError("IMAGE_CORRUPT", `${what}: the bytes hash to ${actual}`);
    return bytes;
  }

  /**
   * The bytes of a layer from offset `from` on, as they arrive. A connection that breaks is taken up again where it broke; after as many
   * breaks without progress as there are attempts it is given up (REGISTRY_UNREACHABLE).
   */
  async *blob(layer: Pick<Descriptor, "digest" | "size">, signal: AbortSignal, from = 0): AsyncGenerator<Uint8Array> {
    let received = from;
    for (let attempt = 1; ; attempt++) {
      try {
        for await (const chunk of this.#blobFrom(layer, received, signal)) {
          received += chunk.length;
          attempt = 1;
          yield chunk;
        }
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (networkFailure(error) === undefined) throw error;
        const delay = attempt < this.#retry.attempts ? retryDelayMs(this.#retry, attempt, undefined) : undefined;
        if (delay === undefined) throw connectionFailure(error, this.#endpoint);
        this.#options.log.debug({ digest: layer.digest, received, attempt, err: error }, "layer interrupted, resuming");
        await pause(delay, signal);
      }
    }
  }

  async *#blobFrom(
    layer: Pick<Descriptor, "digest" | "size">,
    from: number,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array> {
    const answer = await this.#get(
      "blob",
      `blobs/${layer.digest}`,
      { "accept-encoding": "identity", ...(from === 0 ? {} : { range: `bytes=${from}-` }) },
      signal,
    );
    const length = answer.header("content-length");
    const whole = answer.status === 200;
    if (whole && length !== undefined && Number(length) !== layer.size) {
      answer.discard();
      throw new AgentError(
        "IMAGE_CORRUPT",
        `layer ${layer.digest} of ${this.#reference.canonical}: the registry has ${length} of ${layer.size} bytes`,
      );
    }
    if (!whole && !(answer.header("content-range") ?? "").startsWith(`bytes ${from}-`)) {
      answer.discard();
      throw new AgentError("REGISTRY_PROTOCOL", `registry ${this.#endpoint.domain} answered another range than asked`);
    }
    // A registry that ignores the range sends everything again.
    let skip = whole ? from : 0;
    for await (const chunk of answer.body) {
      if (skip >= chunk.length) skip -= chunk.length;
      else {
        yield skip === 0 ? chunk : chunk.subarray(skip);
        skip = 0;
      }
    }
  }

  async #read(answer: HttpAnswer, limit: number, what: string): Promise<Buffer> {
    let bytes: Buffer | undefined;
    try {
      bytes = await answer.read(limit);
    } catch (error) {
      throw connectionFailure(error, this.#endpoint);
    }
    if (bytes === undefined) throw new AgentError("IMAGE_CORRUPT", `${what} is larger than ${limit} bytes`);
    return bytes;
  }

  /** One GET below the repository: tokens, retries and refusals dealt with; what is left is 200 or 206. */
  async #get(
    object: Asked["object"],
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<HttpAnswer> {
    const url = new URL(`${this.#endpoint.origin}/v2/${this.#reference.path}/${path}`);
    let challenged = 0;
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#once(url, headers, signal);
      const last = attempt >= this.#retry.attempts;
      if ("error" in outcome) {
        const failure = networkFailure(outcome.error);
        const worthIt = failure === "broken" || failure === "timeout";
        const delay = worthIt && !last ? retryDelayMs(this.#retry, attempt, undefined) : undefined;
        if (delay === undefined) throw connectionFailure(outcome.error, this.#endpoint);
        await pause(delay, signal);
        continue;
      }
      const { answer, authorization } = outcome;
      if (answer.status === 200 || answer.status === 206) return answer;
      if (answer.status === 401 && challenged < 2) {
        challenged++;
        const challenges = parseChallenges(answer.headerLines("www-authenticate"));
        const words = await readWords(answer);
        if (await this.#answerChallenge(challenges, authorization, signal)) continue;
        throw statusFailure(answer.status, words, this.#endpoint, this.#asked(object));
      }
      const retryAfter = answer.header("retry-after");
      const delay =
        RETRYABLE_STATUS.has(answer.status) && !last ? retryDelayMs(this.#retry, attempt, retryAfter) : undefined;
      const words = await readWords(answer);
      if (delay === undefined)
        throw statusFailure(answer.status, words, this.#endpoint, this.#asked(object), {
          rateLimit: answer.header("ratelimit-limit"),
          retryAfter,
        });
      this.#options.log.debug(
        { registry: this.#endpoint.domain, status: answer.status, attempt, delay },
        "registry busy, asking again",
      );
      await pause(delay, signal);
    }
  }

  async #answerChallenge(
    challenges: Parameters<PullToken["answer"]>[0],
    authorization: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    try {
      return await this.#token.answer(challenges, authorization, signal);
    } catch (error) {
      throw connectionFailure(error, this.#endpoint);
    }
  }

  async #once(
    url: URL,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<{ answer: HttpAnswer; authorization: string | undefined } | { error: unknown }> {
    signal?.throwIfAborted();
    try {
      const authorization = await this.#token.authorization(signal);
      const answer = await this.#options.transport.get({
        url,
        headers: authorization === undefined ? headers : { ...headers, authorization },
        signal,
      });
      return { answer, authorization };
    } catch (error) {
      return { error };
    }
  }

  #asked(object: Asked["object"]): Asked {
    const { path, canonical } = this.#reference;
    return { image: canonical, repository: path.startsWith("library/") ? path.slice(8) : path, object };
  }
}

function sha256(bytes: Uint8Array): ReturnType<typeof digestFromHex> {
  return digestFromHex(createHash("sha256").update(bytes).digest("hex"));
}
