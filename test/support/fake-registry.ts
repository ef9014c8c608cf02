// A registry of the tests' own on loopback, to misbehave in ways a real one does not.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";
import { rawTar, type RawEntry } from "./tars.ts";

export interface Seen {
  readonly path: string;
  readonly authorization: string | undefined;
  readonly range: string | undefined;
}

/** Returns true when it has answered. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse, registry: FakeRegistry) => boolean;

export class FakeRegistry {
  readonly seen: Seen[] = [];
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, { readonly type: string; readonly body: Buffer }>();
  misbehave: Misbehaviour = () => false;
  readonly #server: Server;
  #port = 0;

  private constructor() {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(): Promise<FakeRegistry> {
    const registry = new FakeRegistry();
    await new Promise<void>((resolve) => registry.#server.listen(0, "127.0.0.1", resolve));
    const address = registry.#server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    registry.#port = address.port;
    return registry;
  }

  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  blob(content: Buffer): { digest: string; size: number } {
    const digest = `sha256:${createHash("sha256").update(content).digest("hex")}`;
    this.blobs.set(digest, content);
    return { digest, size: content.length };
  }

  /** An image of one layer under `name`; returns what the layer's descriptor says. */
  image(
    name: string,
    entries: readonly RawEntry[],
    changes: Readonly<Record<string, unknown>> = {},
  ): { digest: string; size: number } {
    return this.layered(name, [entries], changes)[0]!;
  }

  /** An image of several layers, base first; returns their descriptors. */
  layered(
    name: string,
    layers: readonly (readonly RawEntry[])[],
    changes: Readonly<Record<string, unknown>> = {},
  ): readonly { digest: string; size: number }[] {
    const tars = layers.map(rawTar);
    const blobs = tars.map((tar) => this.blob(gzipSync(tar)));
    const config = this.blob(
      Buffer.from(
        JSON.stringify({
          os: "linux",
          architecture: "amd64",
          rootfs: {
            type: "layers",
            diff_ids: tars.map((tar) => `sha256:${createHash("sha256").update(tar).digest("hex")}`),
          },
          note: name,
        }),
      ),
    );
    this.manifest(name, "application/vnd.oci.image.manifest.v1+json", {
      schemaVersion: 2,
      config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
      layers: blobs.map((blob) => ({ mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", ...blob })),
      ...changes,
    });
    return blobs;
  }

  /** GETs of a blob so far. */
  fetched(digest: string): readonly Seen[] {
    return this.seen.filter(({ path }) => path.endsWith(digest));
  }

  manifest(name: string, type: string, document: unknown): void {
    this.manifests.set(name, { type, body: Buffer.from(JSON.stringify(document)) });
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? "";
    this.seen.push({ path, authorization: request.headers.authorization, range: request.headers.range });
    if (this.misbehave(request, response, this)) return;
    const match = /^\/v2\/([^?]+)\/(manifests|blobs)\/([^?]+)/.exec(path);
    if (match?.[2] === "manifests") {
      const manifest = this.manifests.get(match[3] ?? "") ?? this.manifests.get(match[1] ?? "");
      if (manifest) {
        response.writeHead(200, { "content-type": manifest.type, "content-length": manifest.body.length });
        response.end(manifest.body);
        return;
      }
    }
    const blob = match?.[2] === "blobs" ? this.blobs.get(match[3] ?? "") : undefined;
    if (blob) {
      this.sendBlob(request, response, blob);
      return;
    }
    response.writeHead(404, { "content-type": "application/json" });
    response.end(JSON.stringify({ errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }] }));
  }

  sendBlob(request: IncomingMessage, response: ServerResponse, blob: Buffer): void {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
    const part = blob.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      "content-length": part.length,
      ...(from > 0 ? { "content-range": `bytes ${from}-${blob.length - 1}/${blob.length}` } : {}),
    });
    response.end(part);
  }
}
