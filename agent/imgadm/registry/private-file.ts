// Files with secrets: read only where nobody but their owner could have.
import { open } from "node:fs/promises";
import { AgentError } from "../../errors/agent-error.ts";

/** No login file is larger. */
const MAX_BYTES = 1024 * 1024;

/** The text of `file`; undefined where there is none. `exposed`: others than its owner may read it. */
export async function readSecretFile(file: string): Promise<{ text: string; exposed: boolean } | undefined> {
  try {
    await using handle = await open(file, "r");
    const { size, mode } = await handle.stat();
    if (size > MAX_BYTES) throw new AgentError("CONFIG_INVALID", `${file} is larger than 1 MiB, so it holds no logins`);
    return { text: await handle.readFile("utf8"), exposed: (mode & 0o077) !== 0 };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

export function exposedFile(file: string): AgentError {
  return new AgentError("FILE_DENIED", `${file} holds logins and can be read by others than its owner`, {
    hint: `chmod 600 ${file}, and change the passwords if somebody may have seen them`,
  });
}
