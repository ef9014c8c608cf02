// What `zonelet login` remembers: one file with all logins, 0600 below the state directory.
import { z } from "zod";
import { AgentError } from "../../errors/agent-error.ts";
import { writeFileAtomic } from "../../util/atomic-file.ts";
import { withLock } from "../../util/lock.ts";
import { isNewerRecord } from "../../util/record-version.ts";
import type { Credentials } from "./credential.ts";
import { exposedFile, readSecretFile } from "./private-file.ts";

const VERSION = 1;
const fileSchema = z.strictObject({
  version: z.literal(VERSION),
  logins: z.record(z.string(), z.strictObject({ username: z.string(), password: z.string() })),
});
type Logins = z.output<typeof fileSchema>["logins"];

export interface LoginStore {
  /** FILE_DENIED when others may read the file, RECORD_CORRUPT when it is no file of ours. */
  get(domain: string): Promise<Credentials | undefined>;
  /** Replaces an earlier login. */
  put(domain: string, login: { readonly username: string; readonly password: string }): Promise<void>;
  /** False when there was none. */
  remove(domain: string): Promise<boolean>;
}

/** Nothing is read or made before it is asked. Writers in several processes queue up. */
export function createLoginStore(file: string): LoginStore {
  const change = async (edit: (logins: Map<string, Logins[string]>) => boolean): Promise<boolean> =>
    withLock(`${file}.lock`, async () => {
      const logins = new Map(Object.entries(await read(file)));
      const changed = edit(logins);
      if (changed)
        await writeFileAtomic(file, `${JSON.stringify({ version: VERSION, logins: Object.fromEntries(logins) })}\n`);
      return changed;
    });
  return {
    get: async (domain) => {
      const logins = await read(file);
      const login = Object.hasOwn(logins, domain) ? logins[domain] : undefined;
      return login === undefined ? undefined : { kind: "password", ...login };
    },
    put: async (domain, { username, password }) => {
      await change((logins) => {
        logins.set(domain, { username, password });
        return true;
      });
    },
    remove: (domain) => change((logins) => logins.delete(domain)),
  };
}

async function read(file: string): Promise<Logins> {
  const found = await readSecretFile(file);
  if (found === undefined) return {};
  if (found.exposed) throw exposedFile(file);
  let json: unknown;
  try {
    json = JSON.parse(found.text);
    return fileSchema.parse(json).logins;
  } catch {
    // Without the cause, which would quote passwords.
    throw isNewerRecord(json, VERSION)
      ? new AgentError("RECORD_CORRUPT", `${file} was written by a newer zonelet`)
      : new AgentError("RECORD_CORRUPT", `${file} is not a file of logins`, { hint: "remove it and log in again" });
  }
}
