// A real docker-registry (the Debian package) on a loopback port, with its storage in a directory of the test.
import { spawn, execFile, type ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import type { KeyPair } from "./certificates.ts";
import { eventually } from "./eventually.ts";

const run = promisify(execFile);

export interface RegistrySettings {
  /** Lines added to the configuration, e.g. an `auth:` section. */
  readonly auth?: string;
  /** https; `clientCa` makes client certificates a must. */
  readonly tls?: KeyPair & { readonly clientCa?: string };
  /** Serves what another registry stores. */
  readonly storage?: string;
}

export class TestRegistry {
  /** `127.0.0.1:<port>`, as it stands in references. */
  readonly host: string;
  readonly directory: string;
  readonly #configuration: string;
  #process: ChildProcess | undefined;

  private constructor(directory: string, port: number) {
    this.host = `127.0.0.1:${port}`;
    this.directory = directory;
    this.#configuration = join(directory, "config.yml");
  }

  /** Starts one; `directory` is made and keeps the storage over restarts. */
  static async start(directory: string, { auth, tls, storage }: RegistrySettings = {}): Promise<TestRegistry> {
    mkdirSync(directory, { recursive: true });
    const registry = new TestRegistry(directory, await freePort());
    writeFileSync(
      registry.#configuration,
      [
        "version: 0.1",
        "log: { level: error, accesslog: { disabled: true } }",
        `storage: { filesystem: { rootdirectory: ${storage ?? registry.storage} }, delete: { enabled: true } }`,
        `http: { addr: "${registry.host}"${tls === undefined ? "" : `, tls: ${tlsSection(tls)}`} }`,
        ...(auth === undefined ? [] : [`auth: ${auth}`]),
        "",
      ].join("\n"),
    );
    await registry.restart();
    return registry;
  }

  /** Where its blobs and manifests lie. */
  get storage(): string {
    return join(this.directory, "storage");
  }

  async restart(): Promise<void> {
    this.#process = spawn("docker-registry", ["serve", this.#configuration], {
      stdio: "ignore",
      env: { PATH: process.env["PATH"] },
    });
    await eventually(() => listens(this.host), { within: 15_000, what: `docker-registry answers on ${this.host}` });
  }

  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null) return;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await gone;
  }

  /** Copies an image of an OCI layout directory; returns the reference to pull it by. */
  async push(layout: string, tag: string, repository: string, ...options: readonly string[]): Promise<string> {
    const reference = `${this.host}/${repository}`;
    await run("skopeo", [
      "copy",
      "--insecure-policy",
      "--quiet",
      "--dest-tls-verify=false",
      ...options,
      `oci:${layout}:${tag}`,
      `docker://${reference}`,
    ]);
    return reference;
  }

  /** The file that holds a blob. */
  blobFile(digest: string): string {
    const hex = digest.replace("sha256:", "");
    return join(this.directory, "storage/docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex, "data");
  }
}

function tlsSection({ cert, key, clientCa }: NonNullable<RegistrySettings["tls"]>): string {
  const clients = clientCa === undefined ? "" : `, clientcas: [${clientCa}]`;
  return `{ certificate: ${cert}, key: ${key}${clients} }`;
}

async function listens(host: string): Promise<boolean> {
  const { hostname, port } = new URL(`http://${host}`);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
