// Pulling from a registry of the distribution API: manifest by reference, blobs by digest, everything by GET.
import { createHash } from "node:crypto";
import { AgentError, hasCode } from "../../errors/agent-error.ts";
import { digestFromHex } from "../../util/ids.ts";
import { LIMITS } from "../limits.ts";
import type { ContentSource } from "../oci/content-source.ts";
import type { Descriptor } from "../oci/documents.ts";
import { ACCEPT_MANIFESTS } from "../oci/media-types.ts";
import type { RootDocument } from "../oci/resolve.ts";
import type { ImageReference } from "../reference.ts";
import type { RegistryAccess } from "./access.ts";
import { connectionFailure, type Asked } from "./failures.ts";
import type { HostClient } from "./host-client.ts";
import { RegistryHosts } from "./mirrors.ts";
import { keepPace } from "./pace.ts";
import { pause, retryDelayMs } from "./retry.ts";
import type { HttpAnswer } from "./transport.ts";

type Layer = Pick<Descriptor, "digest" | "size">;

/** A connection that brought this much was worth it: the next break counts as the first again. */
const PROGRESS_BYTES = 64 * 1024;
/** A layer half fetched is worth more patience than a question: about a minute, long enough for a restart. */
const EXTRA_ATTEMPTS = 3;

/** One repository of one registry, as far as pulling needs it. */
export class RepositoryClient implements ContentSource {
  readonly #access: RegistryAccess;
  readonly #hosts: RegistryHosts;
  readonly #reference: ImageReference;

  /** `hosts`: those of another reference to the same registry, to share its tokens. */
  constructor(reference: ImageReference, access: RegistryAccess, hosts = new RegistryHosts(reference.domain, access)) {
    this.#access = access;
    this.#reference = reference;
    this.#hosts = hosts;
  }

  /**
   * The manifest or index the reference names. Its bytes hash to the digest asked for, or to what the registry claims
   * for a tag. IMAGE_NOT_FOUND, REGISTRY_DENIED, REGISTRY_LIMIT, REGISTRY_UNREACHABLE, REGISTRY_PLAIN_HTTP,
   * REGISTRY_UNTRUSTED, IMAGE_CORRUPT.
   */
  async root(signal: AbortSignal | undefined): Promise<RootDocument> {
    const { digest, tag, canonical } = this.#reference;
    return this.#hosts.first(async (host) => {
      const path = `manifests/${digest ?? tag ?? "latest"}`;
      const answer = await this.#get(host, "manifest", path, { accept: ACCEPT_MANIFESTS }, signal);
      const bytes = await readBody(host, answer, LIMITS.manifest, `manifest of ${canonical}`);
      const actual = sha256(bytes);
      const expected = digest ?? answer.header("docker-content-digest");
      if (expected !== undefined && expected.startsWith("sha256:") && expected !== actual)
        throw new AgentError(
          "IMAGE_CORRUPT",
          `manifest of ${canonical}: its digest is ${actual}, not ${expected.slice(0, 80)}`,
          { hint: `${host.endpoint.domain}, or something on the way to it, changes what it sends` },
        );
      return { bytes, digest: actual, contentType: answer.header("content-type") };
    });
  }

  async document(descriptor: Descriptor, limit: number, signal: AbortSignal | undefined): Promise<Uint8Array> {
    const what = `${descriptor.digest} of ${this.#reference.canonical}`;
    if (descriptor.size > limit) throw new AgentError("IMAGE_CORRUPT", `${what} is larger than ${limit} bytes`);
    const object = /manifest|index/.test(descriptor.mediaType) ? "manifest" : "blob";
    const accept = descriptor.mediaType === "" ? "*/*" : `${descriptor.mediaType}, */*`;
    return this.#hosts.first(async (host) => {
      const answer = await this.#get(host, object, `${object}s/${descriptor.digest}`, { accept }, signal);
      const bytes = await readBody(host, answer, descriptor.size, what);
      if (bytes.length !== descriptor.size)
        throw new AgentError("IMAGE_CORRUPT", `${what}: got ${bytes.length} of ${descriptor.size} bytes`);
      const actual = sha256(bytes);
      if (actual !== descriptor.digest) throw new AgentError("IMAGE_CORRUPT", `${what}: the bytes hash to ${actual}`);
      return bytes;
    });
  }

  /**
   * The bytes of a layer as they arrive, from byte `from` on. A connection that breaks or stalls is taken up again
   * where it ended, also from a registry that is restarted meanwhile; after as many breaks without progress as there are
   * attempts it is given up (REGISTRY_UNREACHABLE).
   */
  async *blob(layer: Layer, signal: AbortSignal, from = 0): AsyncGenerator<Uint8Array> {
    let received = from;
    for (let attempt = 1; ; attempt++) {
      const begun = received;
      try {
        for await (const chunk of this.#blobFrom(layer, received, signal)) {
          received += chunk.length;
          yield chunk;
        }
        return;
      } catch (error) {
        signal.throwIfAborted();
        // Before the first byte, the host client has had its patience already.
        if (!hasCode(error, "REGISTRY_UNREACHABLE") || received === from) throw error;
        if (received - begun >= PROGRESS_BYTES) attempt = 1;
        const { retry, log } = this.#access;
        if (attempt >= retry.attempts + EXTRA_ATTEMPTS) throw error;
        const delay = retryDelayMs(retry, attempt, undefined) ?? retry.maxMs;
        log.debug({ digest: layer.digest, received, attempt, err: error }, "layer interrupted, resuming");
        await pause(delay, signal);
      }
    }
  }

  async *#blobFrom(layer: Layer, from: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const { host, body } = await this.#openBlob(layer, from, signal);
    try {
      yield* keepPace(body, this.#access.pace);
    } catch (error) {
      throw connectionFailure(error, host.endpoint);
    }
  }

  /** The answer with the layer's bytes from `from` on, checked as far as its headers tell. */
  #openBlob(
    layer: Layer,
    from: number,
    signal: AbortSignal,
  ): Promise<{ host: HostClient; body: AsyncIterable<Uint8Array> }> {
    return this.#hosts.first(async (host) => {
      const headers = { "accept-encoding": "identity", ...(from === 0 ? {} : { range: `bytes=${from}-` }) };
      const answer = await this.#get(host, "blob", `blobs/${layer.digest}`, headers, signal);
      const whole = answer.status === 200;
      const length = answer.header("content-length");
      if (whole && length !== undefined && Number(length) !== layer.size) {
        answer.discard();
        throw new AgentError(
          "IMAGE_CORRUPT",
          `layer ${layer.digest} of ${this.#reference.canonical}: the registry has ${length} of ${layer.size} bytes`,
          { hint: "the image is damaged in the registry: push it again" },
        );
      }
      if (!whole && !(answer.header("content-range") ?? "").startsWith(`bytes ${from}-`)) {
        answer.discard();
        throw new AgentError("REGISTRY_PROTOCOL", `registry ${host.endpoint.domain} answered another range than asked`);
      }
      // A registry that ignores the range sends everything again.
      return { host, body: whole && from > 0 ? skipBytes(answer.body, from) : answer.body };
    });
  }

  #get(
    host: HostClient,
    object: Asked["object"],
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal | undefined,
  ): Promise<HttpAnswer> {
    const { path: repository, canonical } = this.#reference;
    return host.get({
      path: `${repository}/${path}`,
      scope: `repository:${repository}:pull`,
      headers,
      asked: { what: canonical, repository: repository.replace(/^library\//, ""), object },
      signal,
    });
  }
}

async function readBody(host: HostClient, answer: HttpAnswer, limit: number, what: string): Promise<Buffer> {
  let bytes: Buffer | undefined;
  try {
    bytes = await answer.read(limit);
  } catch (error) {
    throw connectionFailure(error, host.endpoint);
  }
  if (bytes === undefined) throw new AgentError("IMAGE_CORRUPT", `${what} is larger than ${limit} bytes`);
  return bytes;
}

async function* skipBytes(chunks: AsyncIterable<Uint8Array>, count: number): AsyncGenerator<Uint8Array> {
  let left = count;
  for await (const chunk of chunks) {
    if (left < chunk.length) yield left === 0 ? chunk : chunk.subarray(left);
    left = Math.max(0, left - chunk.length);
  }
}

function sha256(bytes: Uint8Array): ReturnType<typeof digestFromHex> {
  return digestFromHex(createHash("sha256").update(bytes).digest("hex"));
}
