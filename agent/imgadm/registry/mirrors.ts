// Mirrors first, the registry itself last; a failure of all of them tells of each.
import { AgentError, hasCode } from "../../errors/agent-error.ts";
import type { Logger } from "../../log/logger.ts";
import type { RegistryAccess } from "./access.ts";
import { registryEndpoints } from "./endpoint.ts";
import { HostClient } from "./host-client.ts";

export class RegistryHosts {
  #hosts: readonly HostClient[];
  readonly #log: Logger;

  constructor(domain: string, access: RegistryAccess) {
    this.#log = access.log;
    // A mirror is asked once: there is somebody else to ask.
    const hasty = { ...access, retry: { ...access.retry, attempts: 1 } };
    this.#hosts = registryEndpoints(domain, access.registries).map(
      (endpoint) => new HostClient(endpoint, endpoint.mirrorOf === undefined ? access : hasty),
    );
  }

  /**
   * What the first host that can gives. Cancelling ends it; any other failure of a mirror goes on to the next host, and
   * a mirror that cannot be reached is not asked again.
   */
  async first<T>(ask: (host: HostClient) => Promise<T>): Promise<T> {
    const failures: AgentError[] = [];
    for (const host of this.#hosts) {
      try {
        return await ask(host);
      } catch (error) {
        if (!(error instanceof AgentError) || hasCode(error, "CANCELLED")) throw error;
        if (host.endpoint.mirrorOf === undefined) throw withMirrors(error, failures);
        this.#log.debug({ mirror: host.endpoint.domain, err: error }, "mirror failed, asking the next");
        failures.push(error);
        if (hasCode(error, "REGISTRY_UNREACHABLE")) this.#hosts = this.#hosts.filter((each) => each !== host);
      }
    }
    throw new RangeError("a registry without hosts");
  }
}

/** The registry's own failure, with what its mirrors said before it. */
function withMirrors(error: AgentError, failures: readonly AgentError[]): AgentError {
  if (failures.length === 0) return error;
  const told = `mirrors tried before: ${failures.map(({ message }) => message).join("; ")}`;
  return new AgentError(error.code, error.message, {
    cause: error.cause,
    hint: error.hint === undefined ? told : `${error.hint}; ${told}`,
    details: error.details,
  });
}
