// chroot-gtar: decompresses a layer and extracts it into a partial image, up to five times (imgadm.md 6.2).
import { spawn } from "node:child_process";
import { createReadStream, mkdirSync, openSync, readSync, closeSync, rmSync } from "node:fs";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { extract } from "tar-stream";
import { Chroot, errnoOf, errnoText } from "./chroot.ts";
import { GtarExtraction, OutputLimitExceeded } from "./gtar.ts";

export type Compression = "none" | "gzip" | "bzip2" | "xz";

export interface UnpackResult {
  /** undefined: killed because it said too much. */
  readonly exitStatus: number | undefined;
  readonly output: string;
}

const PASSES = 5;

/** Told from the first bytes; what is none of these is taken for a plain tar, zstd too. */
export function sniffCompression(start: Uint8Array): Compression {
  const begins = (...bytes: readonly number[]): boolean => bytes.every((byte, index) => start[index] === byte);
  if (begins(0x42, 0x5a, 0x68)) return "bzip2";
  if (begins(0x1f, 0x8b, 0x08)) return "gzip";
  if (begins(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)) return "xz";
  return "none";
}

export function readStart(file: string): Uint8Array {
  const start = Buffer.alloc(8);
  const fd = openSync(file, "r");
  try {
    return start.subarray(0, readSync(fd, start));
  } finally {
    closeSync(fd);
  }
}

/** Extracts `file` into `<partial>/root`. `partial` must be a real path. */
export async function unpackLayer(file: string, compression: Compression, partial: string): Promise<UnpackResult> {
  // Absolute links of a layer resolve in the chroot, where the wrapper has put what gtar needs.
  const helpers = ["lib", "dev"].map((name) => `${partial}/${name}`);
  for (const helper of helpers) mkdirSync(helper, { recursive: true });
  try {
    for (let pass = 1; ; pass++) {
      const extraction = new GtarExtraction(new Chroot(partial));
      try {
        await extractOnce(file, compression, extraction);
      } catch (error) {
        if (!(error instanceof OutputLimitExceeded)) throw error;
        return { exitStatus: undefined, output: extraction.output };
      }
      if (!extraction.failed) return { exitStatus: 0, output: extraction.output };
      // The wrapper reads names up to the first blank.
      const removable = extraction.unopenable.filter((name) => !/\s/.test(name));
      if (removable.length === 0 || pass === PASSES) return { exitStatus: 2, output: extraction.output };
      for (const name of removable) removeInside(new Chroot(partial), name);
    }
  } finally {
    for (const helper of helpers) rmSync(helper, { recursive: true, force: true });
  }
}

function removeInside(chroot: Chroot, name: string): void {
  errnoOf(() => {
    rmSync(chroot.path(name), { recursive: true, force: true });
  });
}

async function extractOnce(file: string, compression: Compression, extraction: GtarExtraction): Promise<void> {
  const source = open(file, compression);
  const archive = extract();
  let members = 0;
  // Both ends report the same failure; it is judged once, below.
  const feeding = pipeline(source, archive).then(
    () => undefined,
    (error: unknown) => error,
  );
  try {
    for await (const entry of archive) {
      members++;
      await extraction.extract(entry.header, entry);
    }
  } catch (error) {
    if (error instanceof OutputLimitExceeded) {
      archive.destroy();
      await feeding;
      throw error;
    }
    const cause = (await feeding) ?? error;
    // What extraction itself could not do, such as writing to a full disk.
    if (isSystemError(error)) {
      extraction.die(`Cannot write: ${errnoText(String(error.code))}`);
      return;
    }
    if (!reportArchiveError(extraction, cause instanceof Error ? cause : new Error(String(cause)), members)) return;
  }
  if (compression === "none" && members === 0 && readStart(file).length === 0)
    extraction.complain("This does not look like a tar archive");
  extraction.finish();
}

function isSystemError(error: unknown): error is Error & { readonly code: unknown } {
  return error instanceof Error && "syscall" in error && "code" in error;
}

/** False: gtar ended at once and set no attributes. */
function reportArchiveError(extraction: GtarExtraction, error: Error, members: number): boolean {
  const code = "code" in error ? String(error.code) : "";
  if (code.startsWith("Z_") || error instanceof DecompressionFailed) {
    extraction.die("Child returned status 1");
    return false;
  }
  if (error.message.includes("Unexpected end of data")) {
    extraction.die("Unexpected EOF in archive");
    return false;
  }
  if (members === 0) extraction.complain("This does not look like a tar archive");
  extraction.complain("Skipping to next header");
  return true;
}

class DecompressionFailed extends Error {}

function open(file: string, compression: Compression): Readable {
  const raw = createReadStream(file, { highWaterMark: 1024 * 1024 });
  switch (compression) {
    case "none":
      return raw;
    case "gzip":
      return gunzip(raw);
    case "bzip2":
    case "xz":
      raw.destroy();
      return filter(compression, file);
  }
}

/** `bzip2 -dc` and `xz -dc` of the machine. */
function filter(program: "bzip2" | "xz", file: string): Readable {
  const child = spawn(program, ["-dc", "--", file], { stdio: ["ignore", "pipe", "ignore"] });
  child.on("error", () => child.stdout.destroy(new DecompressionFailed(`${program} does not run`)));
  child.on("exit", (status) => {
    if (status !== 0) child.stdout.destroy(new DecompressionFailed(`${program} failed`));
  });
  return child.stdout;
}

function gunzip(raw: Readable): Readable {
  const unzip = createGunzip({ chunkSize: 256 * 1024 });
  raw.on("error", (error) => unzip.destroy(error));
  return raw.pipe(unzip);
}
