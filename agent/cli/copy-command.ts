// cp and export
import { createWriteStream } from "node:fs";
import { lstat, mkdir, rm, stat } from "node:fs/promises";
import { basename, dirname, posix, resolve } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Command } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { kindInZone, PLATFORM_MOUNTS, readTree, writeTree, zonePath, type PathKind } from "../zones/copy.ts";
import { packTree } from "../zones/pack-tree.ts";
import { unpackTree } from "../zones/unpack-tree.ts";
import { waitNotice, type CliContext } from "./context.ts";
import { safeText } from "./output.ts";

interface CopyOptions {
  readonly archive: boolean;
  readonly followLink: boolean;
}

export function addCopyCommand(program: Command, context: CliContext): void {
  program
    .command("cp")
    .description("copy files between a container and this machine")
    .argument("<from>", "path, CONTAINER:PATH, or - for a tar on stdin")
    .argument("<to>", "path, CONTAINER:PATH, or - for a tar on stdout")
    .option("-a, --archive", "keep owners", false)
    .option("-L, --follow-link", "a link as the source means what it leads to", false)
    .action(async (from: string, to: string, options: CopyOptions) => {
      const [source, target] = [place(from), place(to)];
      if (source.container !== undefined && target.container !== undefined)
        throw new AgentError("USAGE", "one of the two has to be a path of this machine");
      if (source.container !== undefined) await fromContainer(context, source.container, source.path, to, options);
      else if (target.container !== undefined) await toContainer(context, from, target.container, target.path, options);
      else throw new AgentError("USAGE", "one of the two has to be CONTAINER:PATH");
    });
}

export function addExportCommand(program: Command, context: CliContext): void {
  program
    .command("export")
    .description("write a container's root as a tar, running or not")
    .argument("<container>")
    .option("-o, --output <file>", "write to a file that does not exist yet, instead of stdout")
    .action(async (reference: string, { output }: { output?: string }) => {
      const { signal } = context.interrupts;
      const { host } = context.agent();
      await withContainer(context, reference, (vm) =>
        readTree(
          host,
          vm,
          "/",
          (tar) => (output === undefined ? toOutput(context, tar) : toFile(resolve(context.cwd, output), tar)),
          { signal, exclude: PLATFORM_MOUNTS },
        ),
      );
    });
}

/** Root's alone to read, as the container's secrets are in it. Nothing half-made stays. */
async function toFile(path: string, tar: Readable): Promise<void> {
  const file = createWriteStream(path, { flags: "wx", mode: 0o600 });
  try {
    await pipeline(tar, file);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST")
      throw new AgentError("USAGE", `${path} is there already`, { hint: "give the name of a new file" });
    await rm(path, { force: true });
    throw error;
  }
}

/** `NAME:PATH`; a path with a slash or a dot in front of its first colon is this machine's. */
function place(text: string): { readonly container?: string; readonly path: string } {
  const colon = text.indexOf(":");
  if (colon <= 0 || /^[./]/.test(text)) return { path: text };
  return { container: text.slice(0, colon), path: text.slice(colon + 1) || "/" };
}

async function fromContainer(
  context: CliContext,
  reference: string,
  path: string,
  to: string,
  options: CopyOptions,
): Promise<void> {
  await withContainer(context, reference, (vm) => copyOut(context, vm, reference, path, to, options));
}

/** A container that does not run is kept from being started (by us) until the copy is done. */
async function withContainer(
  context: CliContext,
  reference: string,
  work: (vm: VmObject) => Promise<void>,
): Promise<void> {
  const { signal } = context.interrupts;
  const { containers } = context.agent();
  const vm = await containers.find(reference, { signal });
  if (vm.state === "stopped") await containers.held(reference, work, { signal, onWait: waitNotice(context) });
  else await work(vm);
}

async function copyOut(
  context: CliContext,
  vm: VmObject,
  reference: string,
  path: string,
  to: string,
  options: CopyOptions,
): Promise<void> {
  const { signal } = context.interrupts;
  const { host } = context.agent();
  const copy = { signal, follow: options.followLink };
  if (to === "-") {
    await readTree(host, vm, path, (tar) => toOutput(context, tar), copy);
    return;
  }
  const source = await kindInZone(host, vm, zonePath(path), { signal });
  if (source === "missing") throw missing(`${reference}:${path}`);
  const target = resolve(context.cwd, to);
  const there = await localKind(target);
  const { into, as } = await localDestination(there, target, to, source, path);
  const onSkipped = (name: string, why: string): void =>
    void context.output.err(`left out: ${safeText(name)}: ${why}\n`);
  const unpack = { into, as, owners: options.archive, onSkipped };
  await readTree(host, vm, path, (tar) => unpackTree(tar, unpack), copy);
}

/** As `destination`; a directory's contents need the directory they go to. */
async function localDestination(
  there: PathKind,
  target: string,
  typed: string,
  source: PathKind,
  from: string,
): Promise<{ readonly into: string; readonly as: string | undefined }> {
  const found = destination(there, target, typed, source, from);
  if ((await localKind(found.into)) !== "directory") throw missing(found.into);
  if (!from.endsWith("/.") && zonePath(from) !== "/") return found;
  if (there === "missing") await mkdir(target);
  return { into: target, as: undefined };
}

async function toOutput(context: CliContext, tar: AsyncIterable<unknown>): Promise<void> {
  if (context.output.isTerminal) throw new AgentError("USAGE", "a tar is nothing for a terminal", { hint: "pipe it" });
  for await (const chunk of tar) if (Buffer.isBuffer(chunk)) await context.output.out(chunk);
}

async function toContainer(
  context: CliContext,
  from: string,
  reference: string,
  path: string,
  options: CopyOptions,
): Promise<void> {
  await withContainer(context, reference, (vm) => copyIn(context, from, vm, reference, path, options));
}

async function copyIn(
  context: CliContext,
  from: string,
  vm: VmObject,
  reference: string,
  path: string,
  options: CopyOptions,
): Promise<void> {
  const { signal } = context.interrupts;
  const { host } = context.agent();
  const target = zonePath(path);
  const there = await kindInZone(host, vm, target, { signal });
  if (from === "-") {
    if (there !== "directory") throw new AgentError("COPY_FAILED", `${reference}:${path} is no directory`);
    await writeTree(host, vm, target, context.input.stream, { signal });
    return;
  }
  const source = resolve(context.cwd, from);
  const kind = await localKind(source, options.followLink);
  if (kind === "missing") throw missing(from);
  const { into, as } = destination(there, target, path, kind, from);
  await needDirectory(context, vm, reference, into, there);
  const pack = { from: source, as: as ?? basename(source), owners: options.archive, follow: options.followLink };
  await writeTree(host, vm, into, packTree(pack), { signal });
}

async function needDirectory(
  context: CliContext,
  vm: VmObject,
  reference: string,
  into: string,
  there: PathKind,
): Promise<void> {
  if (there === "directory") return;
  const kind = await kindInZone(context.agent().host, vm, into, { signal: context.interrupts.signal });
  if (kind !== "directory") throw missing(`${reference}:${into}`);
}

/** Docker's rules for where a tree goes: into a directory that is there, in the place of a file, or under a new name. */
function destination(
  there: PathKind,
  target: string,
  typed: string,
  source: PathKind,
  from: string,
): { readonly into: string; readonly as: string | undefined } {
  const contents = source === "directory" && (from.endsWith("/.") || from === ".");
  if (there === "directory") return { into: target, as: contents ? "." : undefined };
  if (there === "file" && source === "directory")
    throw new AgentError("COPY_FAILED", `${typed} is a file: a directory cannot take its place`);
  if (typed.endsWith("/") && source !== "directory") throw missing(typed);
  return { into: dirname(target), as: posix.basename(target) };
}

async function localKind(path: string, follow = true): Promise<PathKind> {
  const status = await (follow ? stat(path) : lstat(path)).catch(() => undefined);
  return status === undefined ? "missing" : status.isDirectory() ? "directory" : "file";
}

function missing(what: string): AgentError {
  return new AgentError("COPY_FAILED", `${what} does not exist`);
}
