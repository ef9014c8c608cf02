// Logins that `docker login` left in its config.json. Helpers, which are programs docker would run, are not run here.
import { z } from "zod";
import { AgentError } from "../../errors/agent-error.ts";
import type { Credentials, FoundCredentials } from "./credential.ts";
import { exposedFile, readSecretFile } from "./private-file.ts";

const loginSchema = z.looseObject({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
});
const configSchema = z.looseObject({
  auths: z.record(z.string(), loginSchema).optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
});

/** What `file` knows of a registry. CONFIG_INVALID where it cannot be read, FILE_DENIED where others can read the login. */
export async function findDockerLogin(file: string, domain: string): Promise<FoundCredentials> {
  const read = await readSecretFile(file);
  if (read === undefined) return {};
  const config = parse(file, read.text);
  const helper =
    Object.entries(config.credHelpers ?? {}).find(([key]) => registryOfKey(key) === domain)?.[1] ?? config.credsStore;
  const login = Object.entries(config.auths ?? {}).find(([key]) => registryOfKey(key) === domain)?.[1];
  const credentials = login === undefined ? undefined : credentialsOf(login, file, domain);
  if (credentials !== undefined) {
    if (read.exposed) throw exposedFile(file);
    return { credentials, remark: `logged in as ${credentials.username} by ${file}` };
  }
  if (helper === undefined || helper === "") return {};
  return { remark: `${file} leaves logins to the credential helper "${helper}", and helpers are not run here` };
}

function parse(file: string, text: string): z.output<typeof configSchema> {
  try {
    return configSchema.parse(JSON.parse(text));
  } catch {
    // The cause would quote the text, and with it the passwords.
    throw new AgentError("CONFIG_INVALID", `${file} is not a docker config.json`, {
      hint: "mend or remove it, or name another file by registries.dockerConfig",
    });
  }
}

/** `https://index.docker.io/v1/` is how docker spells docker.io; others are written with and without scheme and path. */
function registryOfKey(key: string): string {
  const host = key.replace(/^https?:\/\//, "").split("/", 1)[0] ?? "";
  return host === "index.docker.io" || host === "registry-1.docker.io" ? "docker.io" : host;
}

function credentialsOf(login: z.output<typeof loginSchema>, file: string, domain: string): Credentials | undefined {
  const [username, password] = namesOf(login, file, domain);
  if (login.identitytoken !== undefined && login.identitytoken !== "")
    return { kind: "identity-token", username, token: login.identitytoken };
  return password === "" ? undefined : { kind: "password", username, password };
}

function namesOf(login: z.output<typeof loginSchema>, file: string, domain: string): readonly [string, string] {
  if (login.auth === undefined || login.auth === "") return [login.username ?? "", login.password ?? ""];
  const text = Buffer.from(login.auth, "base64").toString("utf8");
  const colon = text.indexOf(":");
  if (colon === -1)
    throw new AgentError("CONFIG_INVALID", `${file}: auths."${domain}".auth is not a base64 of user:password`);
  // Docker itself writes a zero byte at the end.
  return [text.slice(0, colon), text.slice(colon + 1).replace(/\0+$/, "")];
}
