// Trees and mounts of the lab's datasets: copying, overlaying, moving aside, removing. Knows paths, not names or rules.
import { execFile } from "node:child_process";
import { mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Lab } from "../lab.ts";
import { unmount } from "../mounts.ts";
import { tool, TOOL_ENVIRONMENT, type Tool } from "../runtime/tools.ts";
import { absentAs, newGuid } from "./records.ts";
import { ZfsError } from "./zfs-error.ts";

const run = promisify(execFile);

/** Copying an image of some GiB on a slow disk is the longest of these. */
const COMMAND_TIMEOUT_MS = 600_000;

async function command(program: Tool, args: readonly string[], cwd: string): Promise<void> {
  await run(tool(program), [...args], {
    cwd,
    timeout: COMMAND_TIMEOUT_MS,
    maxBuffer: 16 * 1024 * 1024,
    env: TOOL_ENVIRONMENT,
  });
}

/** A fresh name in lab/staging for something not yet in its place. The pid tells a sweeper whether its maker lives. */
export async function stagingPath(lab: Lab): Promise<string> {
  await mkdir(lab.own("staging"), { recursive: true });
  return lab.own("staging", `${process.pid}-${newGuid()}`);
}

/** Copies a tree with owners, modes, times, links, devices and attributes. `target` must not exist. */
export async function copyTree(lab: Lab, source: string, target: string): Promise<void> {
  await command("cp", ["-a", "--reflink=auto", "-T", "--", source, target], lab.root);
}

/**
 * A second tree of the same files: directories are new, everything else is a further hard link. For callers that replace
 * files and never write into one.
 */
export async function linkTree(lab: Lab, source: string, target: string): Promise<void> {
  await command("cp", ["-al", "-T", "--", source, target], lab.root);
}

/**
 * Mounts an overlay over `lowers` (topmost first) at `target`. Paths go as relative ones: neither a comma nor a colon in
 * the lab's root can then end an option, and long roots do not fill the kernel's page of options.
 */
export async function mountOverlay(
  lab: Lab,
  overlay: {
    readonly name: string;
    readonly lowers: readonly string[];
    readonly guid: string;
    readonly target: string;
  },
): Promise<void> {
  const base = `lab/overlay/${overlay.guid}`;
  const options = [
    `lowerdir=${overlay.lowers.join(":")}`,
    `upperdir=${base}/upper`,
    `workdir=${base}/work`,
    // Plain copy-up: files the zone changes are whole files in upper, which is what snapshots copy.
    "index=off",
    "metacopy=off",
    "redirect_dir=off",
  ];
  await mkdir(overlay.target, { recursive: true });
  await command("mount", ["-t", "overlay", "-o", options.join(","), overlay.name, overlay.target], lab.root);
}

/** Mounts directories over each other (topmost first, below the lab's root), read-only. */
export async function mountLayers(lab: Lab, lowers: readonly string[], target: string): Promise<void> {
  await command("mount", ["-t", "overlay", "-o", `ro,lowerdir=${lowers.join(":")}`, "zfs-diff", target], lab.root);
}

/** Unmounts and removes the empty mountpoint, as zfs does; busy is zfs's answer `cannot unmount '/zones/x': Device busy`. */
export async function unmountTree(target: string, mountpoint: string): Promise<void> {
  try {
    await unmount(target);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new ZfsError(`cannot unmount '${mountpoint}': ${why.includes("busy") ? "Device busy" : why}`);
  }
  await rmdir(target);
}

/**
 * Takes `path` out of sight in one step. Returns where it is, for `removeTrees`; undefined when there was nothing. Inside
 * a zone whose root is a mount of its own, out of sight is beside it.
 */
export async function moveToTrash(lab: Lab, path: string): Promise<string | undefined> {
  await mkdir(lab.own("trash"), { recursive: true });
  const target = lab.own("trash", newGuid());
  try {
    await rename(path, target);
    return target;
  } catch (error) {
    if (isErrno(error, "ENOENT")) return undefined;
    if (!isErrno(error, "EXDEV")) throw error;
    const beside = join(dirname(path), `.trash-${newGuid()}`);
    await rename(path, beside);
    return beside;
  }
}

/**
 * Puts a staged tree in its place; an empty directory there is replaced. A dataset below a zone's lies in the zone's own
 * mount, and rename does not cross mounts: it is copied beside its place first. Repeating it after a crash finishes it.
 */
export async function putInPlace(lab: Lab, staging: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  try {
    await rename(staging, target);
  } catch (error) {
    if (!isErrno(error, "EXDEV")) throw error;
    const beside = join(dirname(target), `.${basename(staging)}`);
    await rm(beside, { recursive: true, force: true });
    await copyTree(lab, staging, beside);
    await rename(beside, target);
    await rm(staging, { recursive: true, force: true });
  }
}

function isErrno(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

export async function removeTrees(lab: Lab, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    try {
      await command("rm", ["-rf", "--one-file-system", "--", path], lab.root);
    } catch {
      // An ordinary user's zone may have left directories without permission for their owner.
      await command("chmod", ["-R", "u+rwx", "--", path], lab.root);
      await command("rm", ["-rf", "--one-file-system", "--", path], lab.root);
    }
  }
}

/** Removes what dead processes left in staging and trash. Call only while no other command of the lab can run. */
export async function sweepLeftovers(lab: Lab): Promise<void> {
  const trash = await readdir(lab.own("trash")).catch(absentAs<string[]>([]));
  const staged = await readdir(lab.own("staging")).catch(absentAs<string[]>([]));
  const dead = staged.filter((name) => !isAlive(Number(name.split("-")[0])));
  await removeTrees(lab, [
    ...trash.map((name) => lab.own("trash", name)),
    ...dead.map((name) => lab.own("staging", name)),
  ]);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

export async function makeOverlayDirectories(lab: Lab, guid: string): Promise<void> {
  await mkdir(lab.own("overlay", guid, "upper"), { recursive: true, mode: 0o755 });
  await mkdir(lab.own("overlay", guid, "work"), { recursive: true });
}

export async function removeOverlayWork(lab: Lab, guid: string): Promise<void> {
  await rm(join(lab.own("overlay", guid), "work"), { recursive: true, force: true });
}

/** Bytes on disk below `path`, hard-linked files counted once. */
export async function diskUsage(lab: Lab, path: string): Promise<number> {
  const { stdout } = await run("du", ["-sx", "--block-size=1", "--", path], {
    cwd: lab.root,
    timeout: COMMAND_TIMEOUT_MS,
  }).catch((error: unknown) => error as { stdout?: string });
  return Number(/^\d+/.exec(stdout ?? "")?.[0] ?? 0);
}
