// imgadm as the platform has it: the command line. Its traps (imgadm.md 1–4) end here; the layers above see none of them.
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { AgentError, hasCode } from "../errors/agent-error.ts";
import { CommandError } from "../exec/errors.ts";
import type { CommandResult } from "../exec/command.ts";
import type { Host } from "../host/host.ts";
import type { Logger } from "../log/logger.ts";
import { classifyImgadm, type ImgadmOperation } from "./classify.ts";
import type { Imgadm, ImgadmCallOptions } from "./client.ts";
import { findDamagedManifests } from "./damage.ts";
import { diedOfJson, readInstallEnding } from "./output.ts";
import { installedImageSchema, type ImageManifest, type InstalledImage } from "./schema.ts";

export interface ImgadmCliOptions {
  /** ZFS pool of the images; `zones` on every node we know. */
  readonly pool: string;
  /** Request id in the platform's logs. Default: a new one per call. */
  readonly requestId?: string | undefined;
}

/** Milliseconds. imgadm itself has no limit; Triton allows an hour per image (imgadm.md 9.1). */
const DEADLINE = { read: 60_000, delete: 300_000, install: 3_600_000 } as const;

/** Bytes. The error record is one line and may hold 2 MiB of tar's words thrice (imgadm.md 6.2); half of it is no JSON. */
const LONGEST_ERROR = 16 * 1024 * 1024;

/** imgadm pastes paths into a shell line, unquoted (imgadm.md 6.2). */
const PLAIN_PATH = /^\/[A-Za-z0-9._/-]+$/;
const RESERVED_NAME = /^(?:root|lib|dev|chroot-bin-.*)$/;

interface Call extends ImgadmCallOptions {
  readonly operation: ImgadmOperation;
  readonly subject: string;
  readonly args: readonly string[];
  readonly deadlineMs: number;
  readonly mutates?: boolean;
  readonly onExit?: () => void;
}

const sourceList = z.array(
  z.looseObject({ url: z.string(), type: z.string().default("imgapi"), insecure: z.boolean().optional() }),
);

export function createImgadmCli(host: Host, log: Logger, { pool, requestId }: ImgadmCliOptions): Imgadm {
  async function run(call: Call): Promise<CommandResult> {
    const reqId = requestId ?? randomUUID();
    const args = ["-E", ...call.args];
    log.debug({ reqId, args }, "imgadm");
    try {
      return await host.run("imgadm", {
        args,
        // A proxy would be used for loopback addresses as well, and there is no list of exceptions (imgadm.md 1).
        env: { REQ_ID: reqId, http_proxy: "", https_proxy: "" },
        tail: LONGEST_ERROR,
        timeoutMs: call.timeoutMs ?? call.deadlineMs,
        mutates: call.mutates ?? false,
        signal: call.signal,
        onSpawn: call.onSpawn,
        onExit: call.onExit,
      });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const meaning = (await damage(call, error)) ?? classifyImgadm(call.operation, call.subject, error);
      log.debug({ reqId, err: meaning, argv: error.outcome.argv, code: meaning.code }, "imgadm failed");
      throw meaning;
    }
  }

  /** A crash over a damaged file of imgadm's database, with the file's name. */
  async function damage(call: Call, error: CommandError): Promise<AgentError | undefined> {
    const { signal, exitCode, stderrTail } = error.outcome;
    if (!(signal === "SIGABRT" || exitCode === 134) || !diedOfJson(stderrTail)) return undefined;
    const files = await findDamagedManifests(host.paths);
    if (files.length === 0) return undefined;
    return new AgentError("IMAGE_DATABASE_CORRUPT", `${call.subject}: imgadm's own record of an image is damaged`, {
      cause: error,
      hint: `remove ${files.join(" ")}, then delete and pull the image again: vmadm refuses it without that file`,
      details: { files },
    });
  }

  async function read(call: Omit<Call, "deadlineMs">): Promise<unknown> {
    const { stdout } = await run({ ...call, deadlineMs: DEADLINE.read });
    try {
      return JSON.parse(stdout);
    } catch (error) {
      throw new AgentError("HOST_OUTPUT_INVALID", `${call.subject}: imgadm printed no JSON`, { cause: error });
    }
  }

  function images(value: unknown, subject: string): InstalledImage[] {
    const elements = z.array(z.unknown()).safeParse(value);
    if (!elements.success)
      throw new AgentError("HOST_OUTPUT_INVALID", `${subject}: imgadm printed something else than a list`);
    return elements.data.flatMap((element) => {
      const image = installedImageSchema.safeParse(element);
      if (image.success) return image.data;
      log.warn({ problem: z.prettifyError(image.error) }, "imgadm told of an image we cannot read");
      return [];
    });
  }

  /** Writes the manifest where only we can read it, and removes it when imgadm, not only our waiting, has ended. */
  async function install(manifest: ImageManifest, file: string, options: ImgadmCallOptions) {
    const subject = `install image ${manifest.uuid}`;
    // Beside the layer where that lies in our scratch: then whoever clears up after a killed puller clears up both.
    const { scratch } = host.paths;
    await mkdir(scratch, { recursive: true, mode: 0o700 });
    const directory = await mkdtemp(join(file.startsWith(`${scratch}/`) ? dirname(file) : scratch, "manifest-"));
    // At once, not in the background: the caller clears up its scratch directory next, and ours lies in it.
    const remove = (): void => {
      try {
        rmSync(directory, { recursive: true, force: true });
      } catch (err) {
        log.warn({ err, directory }, "not removed");
      }
    };
    const path = join(directory, `${manifest.uuid}.json`);
    try {
      for (const given of [path, file]) requirePlainPath(given, subject);
      await writeFile(path, JSON.stringify(manifest), { mode: 0o600, flag: "wx" });
    } catch (error) {
      remove();
      throw error;
    }
    const { stdout } = await run({
      ...options,
      operation: "install",
      subject,
      args: ["install", "-P", pool, "-m", path, "-f", file],
      deadlineMs: DEADLINE.install,
      mutates: true,
      onExit: remove,
    });
    const ending = readInstallEnding(stdout);
    if (ending) return ending;
    throw new AgentError("HOST_OUTPUT_INVALID", `${subject}: imgadm ended well but did not say that it installed`, {
      cause: stdout.slice(-2000),
    });
  }

  return {
    async list(options = {}) {
      const subject = "list images";
      const all = images(await read({ ...options, operation: "list", subject, args: ["list", "-j"] }), subject);
      return all.filter((image) => image.zpool === undefined || image.zpool === pool);
    },

    async get(image, { children = false, ...options } = {}) {
      const subject = `get image ${image}`;
      const args = ["get", "-P", pool, ...(children ? ["-r"] : []), image];
      try {
        const parsed = installedImageSchema.safeParse(await read({ ...options, operation: "get", subject, args }));
        if (parsed.success) return parsed.data;
        throw new AgentError("HOST_OUTPUT_INVALID", `${subject}: imgadm printed an object that is no image`, {
          cause: z.prettifyError(parsed.error),
        });
      } catch (error) {
        if (hasCode(error, "IMAGE_NOT_INSTALLED")) return undefined;
        throw error;
      }
    },

    install: (manifest, file, options = {}) => install(manifest, file, options),

    async delete(image, options = {}) {
      try {
        await run({
          ...options,
          operation: "delete",
          subject: `delete image ${image}`,
          args: ["delete", "-P", pool, image],
          deadlineMs: DEADLINE.delete,
          mutates: true,
        });
      } catch (error) {
        if (!hasCode(error, "IMAGE_NOT_INSTALLED")) throw error;
      }
    },

    async ancestry(image, options = {}) {
      const subject = `look up ancestry of image ${image}`;
      const args = ["ancestry", "-j", "-P", pool, image];
      return images(await read({ ...options, operation: "ancestry", subject, args }), subject);
    },

    async sources(options = {}) {
      const subject = "list image sources";
      const parsed = sourceList.safeParse(
        await read({ ...options, operation: "sources", subject, args: ["sources", "-j"] }),
      );
      if (parsed.success) return parsed.data;
      throw new AgentError("HOST_OUTPUT_INVALID", `${subject}: imgadm printed no list of sources`, {
        cause: z.prettifyError(parsed.error),
      });
    },
  };
}

function requirePlainPath(path: string, subject: string): void {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (PLAIN_PATH.test(path) && !path.split("/").includes("..") && !RESERVED_NAME.test(name)) return;
  throw new AgentError("IMAGE_FILE_INVALID", `${subject}: imgadm cannot be given the path "${path}"`, {
    hint: "use an absolute path of letters, digits, dots, dashes and underscores",
  });
}
