// imgadm install (imgadm.md 3.6 and 6).
import { createHash } from "node:crypto";
import { createReadStream, existsSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { realpath, mkdir } from "node:fs/promises";
import type { CommandContext } from "../../command.ts";
import { datasetStore, ZfsError, type DatasetStore } from "../../datasets.ts";
import { FailpointError } from "../../failpoints.ts";
import type { Lab } from "../../lab.ts";
import { execError, ImgadmError, usageError } from "./errors.ts";
import { waitForImportLock } from "./import-lock.ts";
import { checkPlatform, readManifest, validateManifest } from "./manifest.ts";
import { HELP, parseOptions, POOL_OPTION } from "./options.ts";
import { describe, loadImages, writeImageInfo, type InstalledImage, type Manifest } from "./state.ts";
import { OUTPUT_LIMIT } from "./gtar.ts";
import { readStart, sniffCompression, unpackLayer } from "./unpack.ts";
import { applyWhiteouts } from "./whiteouts.ts";

export async function install(context: CommandContext, args: readonly string[]): Promise<number> {
  const { lab } = context;
  const options = parseOptions(args, [
    HELP,
    POOL_OPTION,
    { names: ["-q"] },
    { names: ["-m"], takesValue: true },
    { names: ["-f"], takesValue: true },
  ]);
  const manifestPath = options.value("-m");
  const file = options.value("-f");
  const pool = options.value("-P") ?? "zones";
  if (options.operands.length > 0) throw usageError(`unexpected args: "${options.operands.join(" ")}"`);
  if (manifestPath === undefined) throw new ImgadmError(undefined, "-m <manifest> (string) is required");
  if (file === undefined) throw new ImgadmError(undefined, "-f <file> (string) is required");
  if (!existsSync(manifestPath)) throw usageError(`manifest path does not exist: "${manifestPath}"`);
  if (!existsSync(file)) throw usageError(`file path does not exist: "${file}"`);
  const fields = await readManifest(manifestPath);

  const before = await findImage(lab, pool, fields["uuid"]);
  if (before) {
    const { uuid, name, version } = before.manifest;
    const title = typeof name === "string" ? `${uuid} (${name} ${String(version)})` : uuid;
    context.out(`Image ${title} is already installed, skipping\n`);
    return 0;
  }
  await lab.failpoints.hit("imgadm.install.begin");
  context.out(`Installing image ${String(fields["uuid"])} (${String(fields["name"])}@${String(fields["version"])})\n`);
  const manifest = validateManifest(fields);
  checkPlatform(manifest);
  const lock = await waitForImportLock(context, manifest.uuid);
  try {
    const meanwhile = await findImage(lab, pool, manifest.uuid);
    if (meanwhile) {
      context.out(`Image ${describe(meanwhile.manifest)} was installed while waiting on lock\n`);
      return 0;
    }
    await installLocked(context, pool, manifest, file);
  } finally {
    lock.release();
  }
  context.out(`Installed image ${describe(manifest)}\n`);
  await lab.failpoints.hit("imgadm.install.end");
  return 0;
}

async function findImage(lab: Lab, pool: string, uuid: unknown): Promise<InstalledImage | undefined> {
  return (await loadImages(lab)).find((image) => image.zpool === pool && image.manifest.uuid === uuid);
}

async function installLocked(context: CommandContext, pool: string, given: Manifest, file: string): Promise<void> {
  const { lab } = context;
  await checkFile(given, file);
  const manifest: Manifest = { ...given, published_at: given["published_at"] ?? new Date().toISOString() };
  // Before the dataset, and left behind when that fails (imgadm.md 2).
  await lab.failpoints.hit("imgadm.install.json");
  await writeImageInfo(lab, { manifest, zpool: pool });
  const store = datasetStore(lab);
  const partial = `${pool}/${manifest.uuid}-partial`;
  try {
    if (manifest["type"] !== "docker") throw receiveError();
    await installDockerImage(context, store, manifest, partial, file);
  } catch (error) {
    for (const name of [partial, `${pool}/${manifest.uuid}`])
      await store.destroy(name, { recursive: true }).catch((trouble: unknown) => {
        if (!(trouble instanceof ZfsError)) throw trouble;
      });
    if (error instanceof ZfsError || error instanceof FailpointError)
      throw new ImgadmError("InternalError", error.message);
    throw error;
  }
}

/** Every other type is a zfs stream, which this host cannot receive: the failure a broken stream brings (imgadm.md 3.6). */
function receiveError(): ImgadmError {
  return new ImgadmError(
    "InternalError",
    "zfs receive error while importing: exit code 1\nStderr from zfs receive: " +
      "cannot receive: the lab host has no zfs to receive streams with; install images of type docker",
  );
}

async function checkFile(manifest: Manifest, file: string): Promise<void> {
  const entry = (manifest["files"] as readonly { readonly size?: number; readonly sha1?: string }[] | undefined)?.[0];
  if (entry?.size !== undefined) {
    const { size } = statSync(file);
    if (size !== entry.size)
      throw new ImgadmError(
        "DownloadError",
        `image file size error: manifest says ${entry.size} bytes, ${file} is ${size} bytes`,
      );
  }
  if (entry?.sha1 !== undefined) {
    const sha1 = await sha1Of(file);
    if (sha1 !== entry.sha1)
      throw new ImgadmError(
        "DownloadError",
        `image file checksum (sha1) error: manifest says "${entry.sha1}", ${file} is "${sha1}"`,
      );
  }
}

async function sha1Of(file: string): Promise<string> {
  const hash = createHash("sha1");
  for await (const chunk of createReadStream(file, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Buffer);
  return hash.digest("hex");
}

async function installDockerImage(
  context: CommandContext,
  store: DatasetStore,
  manifest: Manifest,
  partial: string,
  file: string,
): Promise<void> {
  const { lab } = context;
  if (await store.get(partial)) {
    context.out(`Warning: deleting partial dataset left over from earlier import attempt: ${partial}\n`);
    await store.destroy(partial, { recursive: true });
  }
  await makePartial(store, partial, manifest["origin"]);
  const platformPath = `/${partial}`;
  const directory = await realpath(lab.path(platformPath));
  const root = join(directory, "root");
  if (manifest["origin"] === undefined) await mkdir(root, { mode: 0o755 });

  await lab.failpoints.hit("imgadm.install.untar");
  const shell = `/usr/img/sbin/chroot-gtar ${platformPath} root ${file}`;
  checkShellWord(file, shell);
  const compression = sniffCompression(readStart(file));
  const { exitStatus, output } = await unpackLayer(file, compression, directory);
  // What imgadm says of a wrapper it killed is not known: "undefined" is assumed (imgadm.md 12).
  if (exitStatus !== 0)
    throw execError({ command: `${shell} ${compression}` }, exitStatus, output.slice(0, OUTPUT_LIMIT), "");

  await lab.failpoints.hit("imgadm.install.whiteouts");
  applyWhiteouts(root, `${platformPath}/root`);
  await lab.failpoints.hit("imgadm.install.snapshot");
  await store.snapshot(`${partial}@final`);
  await lab.failpoints.hit("imgadm.install.rename");
  await store.rename(partial, partial.slice(0, -"-partial".length));
}

async function makePartial(store: DatasetStore, partial: string, origin: unknown): Promise<void> {
  const snapshot = typeof origin === "string" ? `${partial.split("/")[0] ?? ""}/${origin}@final` : undefined;
  try {
    await (snapshot === undefined ? store.create(partial) : store.linkClone(snapshot, partial));
  } catch (error) {
    if (!(error instanceof ZfsError)) throw error;
    const argv = ["/usr/sbin/zfs", ...(snapshot === undefined ? ["create"] : ["clone", snapshot]), partial];
    throw execError({ argv }, 1, "", error.message);
  }
}

/** imgadm pastes the path into a shell line unquoted; anything but these characters is asking for trouble (imgadm.md 6.2). */
function checkShellWord(file: string, shell: string): void {
  const name = basename(file);
  if (!/^[A-Za-z0-9._/-]+$/.test(file) || /^(?:root|lib|dev|chroot-bin.*)$/.test(name))
    throw execError({ command: shell }, 1, "", `chroot-gtar: cannot work with the path of "${file}"`);
}
