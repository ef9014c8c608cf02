// One node's view of registries, without a lab: what the client, logins and listings do over the wire.
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../../agent/config/schema.ts";
import { resolveImage, type ResolvedImage } from "../../agent/imgadm/oci/resolve.ts";
import { parseReference } from "../../agent/imgadm/reference.ts";
import { registryAccess, type RegistryAccessOptions } from "../../agent/imgadm/registry/access.ts";
import { RepositoryClient } from "../../agent/imgadm/registry/client.ts";
import { createRegistries, type Registries } from "../../agent/imgadm/registry/registries.ts";
import type { RetryPolicy } from "../../agent/imgadm/registry/retry.ts";
import { createLogger } from "../../agent/log/logger.ts";

type RegistriesConfig = Config["registries"];
type HostSettings = RegistriesConfig["hosts"][string];

const IMPATIENT: RetryPolicy = { attempts: 4, baseMs: 2, maxMs: 20 };

export class RegistrySession {
  readonly credentials: string;
  readonly #options: RegistryAccessOptions;

  constructor(
    directory: string,
    settings: Omit<Partial<RegistriesConfig>, "hosts"> & {
      readonly hosts?: Readonly<Record<string, Partial<HostSettings>>>;
      readonly proxies?: Config["proxies"];
      readonly retry?: RetryPolicy;
    } = {},
  ) {
    const { hosts = {}, proxies = {}, retry = IMPATIENT, ...registries } = settings;
    this.credentials = join(directory, "credentials.json");
    this.#options = {
      config: {
        registries: {
          insecure: [],
          concurrency: 3,
          proxy: {},
          ...registries,
          hosts: Object.fromEntries(Object.entries(hosts).map(([host, each]) => [host, { mirrors: [], ...each }])),
        },
        proxies,
      },
      paths: { credentials: this.credentials },
      log: createLogger({ level: "silent", destination: process.stderr }),
      retry,
      pace: { windowMs: 300, bytes: 1000 },
    };
  }

  get registries(): Registries {
    return createRegistries(this.#options);
  }

  /** `work` with the repository the reference names, and its image. */
  async using<T>(text: string, work: (repository: RepositoryClient, image: ResolvedImage) => Promise<T>): Promise<T> {
    const access = registryAccess(this.#options);
    try {
      const reference = parseReference(text);
      const repository = new RepositoryClient(reference, access);
      const signal = new AbortController().signal;
      return await work(
        repository,
        await resolveImage(repository, await repository.root(signal), reference.familiar, signal),
      );
    } finally {
      await access.transport.close();
    }
  }

  /** Resolves the image and reads all its layers, checking every digest. */
  async fetch(text: string): Promise<ResolvedImage> {
    return this.using(text, async (repository, image) => {
      for (const layer of image.layers) {
        const hash = createHash("sha256");
        for await (const chunk of repository.blob(layer, new AbortController().signal)) hash.update(chunk);
        const digest = `sha256:${hash.digest("hex")}`;
        if (digest !== layer.digest) throw new Error(`layer ${layer.digest} hashes to ${digest}`);
      }
      return image;
    });
  }
}

/** docker's `config.json` with this content, as `docker login` leaves it. */
export function dockerConfigFile(directory: string, content: unknown, mode = 0o600): string {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `config-${Math.random().toString(36).slice(2)}.json`);
  writeFileSync(file, JSON.stringify(content));
  chmodSync(file, mode);
  return file;
}
