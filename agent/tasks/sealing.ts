// Secrets of tasks at rest. A key that never leaves the node encrypts what a task marks as secret, and makes digests of
// requests that nobody can guess secrets against.
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { z } from "zod";
import { AgentError } from "../errors/agent-error.ts";
import { syncDirectory } from "../util/atomic-file.ts";

export interface Sealing {
  /** `context` is bound to the seal: a value moved to another task or field does not open. */
  seal(value: unknown, context: string): unknown;
  /** Gives back what was sealed; everything else as it is. Raises INTERNAL for a seal of another key or another place. */
  unseal(value: unknown, context: string): unknown;
  digest(value: unknown): string;
}

const KEY_BYTES = 32;
const IV_BYTES = 12;
const TAG_BYTES = 16;
const sealedSchema = z.strictObject({ $sealed: z.string() });

export function createSealing(key: Uint8Array): Sealing {
  return {
    seal(value, context) {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, iv, { authTagLength: TAG_BYTES });
      cipher.setAAD(Buffer.from(context));
      const text = Buffer.concat([cipher.update(JSON.stringify(value), "utf8"), cipher.final()]);
      return { $sealed: Buffer.concat([iv, cipher.getAuthTag(), text]).toString("base64") };
    },
    unseal(value, context) {
      const sealed = sealedSchema.safeParse(value);
      if (!sealed.success) return value;
      const bytes = Buffer.from(sealed.data.$sealed, "base64");
      try {
        const decipher = createDecipheriv("aes-256-gcm", key, bytes.subarray(0, IV_BYTES), {
          authTagLength: TAG_BYTES,
        });
        decipher.setAAD(Buffer.from(context));
        decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES));
        const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()]);
        const opened: unknown = JSON.parse(text.toString("utf8"));
        return opened;
      } catch (cause) {
        throw new AgentError("INTERNAL", "a sealed parameter does not open: the node's task key was replaced", {
          cause,
        });
      }
    },
    digest: (value) => createHmac("sha256", key).update(canonical(value)).digest("hex"),
  };
}

/** The node's key, made the first time (0600). Two processes that make it at once end with the same one. */
export async function readTaskKey(path: string): Promise<Uint8Array> {
  const found = await readKey(path);
  if (found) return found;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const aside = `${path}.${process.pid}.${randomBytes(4).toString("hex")}.new`;
  try {
    const file = await open(aside, "wx", 0o600);
    try {
      await file.writeFile(randomBytes(KEY_BYTES));
      await file.sync();
    } finally {
      await file.close();
    }
    await link(aside, path).catch((error: unknown) => {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    });
  } finally {
    await rm(aside, { force: true });
  }
  await syncDirectory(dirname(path));
  const made = await readKey(path);
  if (!made) throw new AgentError("INTERNAL", `the task key ${path} was made and is not there`);
  return made;
}

async function readKey(path: string): Promise<Uint8Array | undefined> {
  let file;
  try {
    file = await open(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
  try {
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0)
      throw new AgentError("FILE_DENIED", `others can read the task key ${path}`, { hint: `chmod 600 ${path}` });
  } finally {
    await file.close();
  }
  const key = await readFile(path);
  if (key.length !== KEY_BYTES)
    throw new AgentError("FILE_DENIED", `the task key ${path} has ${key.length} bytes instead of ${KEY_BYTES}`, {
      hint: "put it back from a backup; without it sealed parameters of waiting tasks are lost",
    });
  return key;
}

/** JSON with sorted keys: the same request is the same text, however its sender orders them. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
