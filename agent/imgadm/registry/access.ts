// What everything that talks to registries needs, put together once per command.
import type { Config } from "../../config/schema.ts";
import type { HostPaths } from "../../host/paths.ts";
import type { Logger } from "../../log/logger.ts";
import { credentialLookup, type CredentialLookup } from "./credentials.ts";
import { createLoginStore } from "./login-store.ts";
import { RETRY, type Patience, type RetryPolicy } from "./retry.ts";
import { PACE, type Pace } from "./pace.ts";
import { createTransport } from "./transport.ts";

export interface RegistryAccess extends Patience {
  readonly registries: Config["registries"];
  readonly findCredentials: CredentialLookup;
  readonly pace: Pace;
}

export interface RegistryAccessOptions {
  readonly config: Pick<Config, "registries" | "proxies">;
  readonly paths: Pick<HostPaths, "credentials">;
  readonly log: Logger;
  /** Patience with registries; tests shorten it. */
  readonly retry?: RetryPolicy;
  readonly pace?: Pace;
}

/** Opens nothing before it is used; the caller closes `transport`. */
export function registryAccess({ config, paths, log, retry, pace }: RegistryAccessOptions): RegistryAccess {
  return {
    transport: createTransport(config),
    registries: config.registries,
    findCredentials: credentialLookup(createLoginStore(paths.credentials), config.registries.dockerConfig),
    retry: retry ?? RETRY,
    pace: pace ?? PACE,
    log,
  };
}
