// A real image: a Debian base by debootstrap, redis added by apt, then files deleted and replaced; packed by umoci. It
// unpacks to the tree umoci makes, and what runs of it answers.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { eventually } from "../support/eventually.ts";
import { describeTree } from "../support/images.ts";
import { TestLab } from "../support/lab.ts";

const run = promisify(execFile);
const big = { maxBuffer: 64 * 1024 * 1024 };

let lab: TestLab;
let work: string;

beforeAll(async () => {
  lab = await TestLab.create({ image: false });
  work = mkdtempSync(join(tmpdir(), "zl-"));
});

afterAll(async () => {
  await lab.destroy();
  rmSync(work, { recursive: true, force: true });
});

/** The layout and the tree umoci unpacks of its image. */
async function buildImage(): Promise<{ layout: string; tree: string }> {
  const layout = join(work, "layout");
  const bundle = join(work, "bundle");
  const rootfs = join(bundle, "rootfs");
  const image = ["--image", `${layout}:1`];
  await run("umoci", ["init", "--layout", layout]);
  await run("umoci", ["new", ...image]);
  await run("umoci", ["unpack", ...image, bundle]);
  // A layer each: umoci packs what changed since the last one, deletions as whiteouts.
  await run("debootstrap", ["--variant=minbase", "bookworm", rootfs], big);
  await run("umoci", ["repack", "--refresh-bundle", ...image, bundle], big);
  const chroot = (...command: string[]) => run("chroot", [rootfs, ...command], { ...big, env: CHROOT });
  await chroot("apt-get", "install", "-y", "-q", "--no-install-recommends", "redis-server");
  await run("umoci", ["repack", "--refresh-bundle", ...image, bundle], big);
  await chroot("apt-get", "clean");
  for (const path of ["usr/share/doc", "usr/share/man", "var/lib/apt/lists"])
    rmSync(join(rootfs, path), { recursive: true, force: true });
  symlinkSync("/nonexistent", join(rootfs, "usr/share/doc"));
  writeFileSync(join(rootfs, "etc/redis/redis.conf"), 'bind 127.0.0.1\nsave ""\n');
  await run("umoci", ["repack", "--refresh-bundle", ...image, bundle], big);
  await run("umoci", [
    "config",
    ...image,
    "--config.entrypoint",
    "redis-server",
    "--config.cmd",
    "/etc/redis/redis.conf",
  ]);
  const tree = join(work, "unpacked");
  await run("umoci", ["unpack", ...image, tree], big);
  return { layout, tree: join(tree, "rootfs") };
}

const CHROOT = { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };

it("is what umoci unpacks, and redis answers", async () => {
  const { layout, tree } = await buildImage();
  const load = await lab.zonelet("load", "-i", layout);
  expect(load.stderr + load.stdout).toContain("loaded localhost/layout:1");
  const [image] = JSON.parse((await lab.zonelet("images", "-o", "json")).stdout) as { imageUuid: string }[];
  const installed = join(lab.root, "zones", image!.imageUuid, "root");
  const ours = describeTree(installed);
  // Devices are left out: a zone has its own /dev (agent/imgadm/README.md).
  const theirs = Object.fromEntries(Object.entries(describeTree(tree)).filter(([, { type }]) => type !== "special"));
  expect(Object.keys(ours).length).toBeGreaterThan(3000);
  expect(ours).toEqual(theirs);
  expect(existsSync(join(installed, "var/lib/apt/lists"))).toBe(false);

  const started = await lab.zonelet("run", "-d", "--name", "redis", "localhost/layout:1");
  expect(started).toMatchObject({ status: 0 });
  await eventually(async () => (await lab.zonelet("exec", "redis", "redis-cli", "ping")).stdout.trim() === "PONG", {
    within: 30_000,
    what: "redis answers PING",
  });
  await lab.zonelet("rm", "-f", "redis");
  expect(await lab.zonelet("rmi", "localhost/layout:1")).toMatchObject({ status: 0 });
});
