// Registries as such: who we are to them, and what they have.
import { AgentError } from "../../errors/agent-error.ts";
import { parseReference, parseRegistry } from "../reference.ts";
import { registryAccess, type RegistryAccess, type RegistryAccessOptions } from "./access.ts";
import { listRepositories, listTags, type TagListing } from "./browse.ts";
import { registryEndpoints } from "./endpoint.ts";
import { HostClient } from "./host-client.ts";
import { createLoginStore } from "./login-store.ts";

export interface RegistryOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface LoginResult {
  /** As logins are kept: `docker.io`. */
  readonly registry: string;
  /** False where the registry asks nobody who they are, so that nothing could be checked. */
  readonly checked: boolean;
}

export interface TagsOptions extends RegistryOptions {
  /** Tags whose images are looked at; the rest is only counted. */
  readonly limit: number;
}

export interface Registries {
  /** Remembers a login after the registry has taken it. REGISTRY_DENIED when it does not; then nothing is kept. */
  login(registry: string, login: Login, options?: RegistryOptions): Promise<LoginResult>;
  /** Forgets it. False when there was none. */
  logout(registry: string): Promise<{ readonly registry: string; readonly removed: boolean }>;
  /** Names of all repositories. REGISTRY_NO_CATALOG or REGISTRY_DENIED from registries that do not tell. */
  repositories(registry: string, options?: RegistryOptions): Promise<readonly string[]>;
  /** The tags of a repository, or the one tag named with it. */
  tags(
    repository: string,
    options: TagsOptions,
  ): Promise<{ readonly tags: readonly TagListing[]; readonly more: number }>;
}

export interface Login {
  readonly username: string;
  readonly password: string;
}

/** Touches nothing until it is asked. */
export function createRegistries(options: RegistryAccessOptions): Registries {
  const store = createLoginStore(options.paths.credentials);
  const using = async <T>(work: (access: RegistryAccess) => Promise<T>): Promise<T> => {
    const access = registryAccess(options);
    try {
      return await work(access);
    } finally {
      await access.transport.close();
    }
  };
  return {
    login: (text, login, { signal } = {}) =>
      using(async (access) => {
        const registry = parseRegistry(text);
        requireUsable(login);
        const checked = await check(registry, login, access, signal);
        await store.put(registry, login);
        return { registry, checked };
      }),
    logout: async (text) => {
      const registry = parseRegistry(text);
      return { registry, removed: await store.remove(registry) };
    },
    repositories: (text, { signal } = {}) => using((access) => listRepositories(parseRegistry(text), access, signal)),
    tags: (text, { limit, signal }) =>
      using(async (access) => {
        const reference = parseReference(text);
        const named =
          reference.digest === undefined && reference.tag !== undefined && text.endsWith(`:${reference.tag}`);
        return listTags(reference, { access, limit, signal, only: named ? reference.tag : undefined });
      }),
  };
}

function requireUsable({ username, password }: Login): void {
  if (username === "" || /[:\u0000-\u001f\u007f]/.test(username))
    throw new AgentError("USAGE", "a user name is not empty and has neither colons nor control characters");
  if (password === "") throw new AgentError("USAGE", "the password is empty");
}

/** Asks `GET /v2/` with the login. False when the registry answers without asking for one. */
async function check(
  registry: string,
  login: Login,
  access: RegistryAccess,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  let wanted = false;
  const endpoint = registryEndpoints(registry, access.registries).at(-1);
  if (endpoint === undefined) throw new RangeError("a registry without hosts");
  const host = new HostClient(endpoint, {
    ...access,
    findCredentials: () => {
      wanted = true;
      return Promise.resolve({ credentials: { kind: "password", ...login } });
    },
  });
  const answer = await host.get({
    path: "",
    scope: undefined,
    headers: {},
    asked: { what: `the login of ${login.username}`, repository: "", object: "login" },
    signal,
  });
  answer.discard();
  return wanted;
}
