// Who we are to a registry: `zonelet login` first, then docker's own configuration.
import type { FoundCredentials } from "./credential.ts";
import { findDockerLogin } from "./docker-config.ts";
import type { LoginStore } from "./login-store.ts";

/** Credentials by the registry's domain as in references. Asked only after the registry wanted some. */
export type CredentialLookup = (domain: string) => Promise<FoundCredentials>;

/** FILE_DENIED where a file with a login for the registry can be read by others. */
export function credentialLookup(store: LoginStore, dockerConfig: string | undefined): CredentialLookup {
  return async (domain) => {
    const stored = await store.get(domain);
    if (stored !== undefined) return { credentials: stored, remark: `logged in as ${stored.username}` };
    return dockerConfig === undefined ? {} : await findDockerLogin(dockerConfig, domain);
  };
}

/** The value of a Basic Authorization header. */
export function basicAuthorization({ username, password }: { username: string; password: string }): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}
