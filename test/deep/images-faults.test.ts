// Pulls that die at every step of imgadm, or find the disk full: the same pull again converges, leaves nothing behind,
// and asks the registry for nothing twice that had arrived whole.
import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { FakeRegistry } from "../support/fake-registry.ts";
import { ImageLab } from "../support/image-lab.ts";

const ZONELET = join(import.meta.dirname, "../../agent/main.ts");
const MIB = 1024 * 1024;

let lab: ImageLab;
let registry: FakeRegistry;

beforeAll(async () => {
  lab = await ImageLab.create();
  registry = await FakeRegistry.start();
});

afterAll(async () => {
  await registry.stop();
  await lab.destroy();
});

afterEach(() => {
  registry.misbehave = () => false;
  rmSync(join(lab.root, "lab/failpoints"), { recursive: true, force: true });
});

/** Three layers, the last with a removal image: four installs. */
const LAYERS = [
  [{ name: "d/", type: "5" }, { name: "d/a" }, { name: "d/b" }],
  [{ name: "c" }],
  [{ name: "d/.wh.a" }, { name: "d/a", content: "again" }],
];

async function killed(reference: string, failpoints: string): Promise<string> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ZONELET, "pull", "-q", reference], {
    stdio: "ignore",
    env: { PATH: process.env["PATH"] ?? "", LABHOST_ROOT: lab.root, LABHOST_FAILPOINTS: failpoints },
  });
  return new Promise((resolve) => child.once("exit", (status, signal) => resolve(signal ?? String(status))));
}

const POINTS = ["begin", "json", "untar", "whiteouts", "snapshot", "rename", "end"].map(
  (place) => `imgadm.install.${place}`,
);
const MATRIX = POINTS.flatMap((point) => [0, 3].map((before) => [point, before] as const));

describe("SIGKILL of the puller", () => {
  it.each(MATRIX)("at %s after %d installs", async (point, before) => {
    const name = `k${point.replace("imgadm.install.", "")}${before}`;
    // Layers of its own each time: nothing is there that an earlier case brought.
    const blobs = registry.layered(name, [[{ name: "own", content: name }, ...LAYERS[0]!], ...LAYERS.slice(1)]);
    const reference = `${registry.host}/${name}:1`;
    const seen = registry.seen.length;
    expect(await killed(reference, `${point}=${before === 0 ? "" : `${before}*off->`}1*killparent`)).toBe("SIGKILL");
    const record = await lab.images.pull(reference);
    expect(readdirSync(lab.tree(record)).toSorted()).toEqual(["c", "d", "own"]);
    expect(readdirSync(join(lab.tree(record), "d")).toSorted()).toEqual(["a", "b"]);
    for (const { digest } of blobs) {
      const fetched = registry.seen.slice(seen).filter(({ path }) => path.endsWith(digest));
      // A second request is one for the rest of what the kill interrupted, never for the whole.
      expect(fetched.slice(1).every(({ range }) => range !== undefined || point === "imgadm.install.begin")).toBe(true);
    }
    expect(lab.scratch()).toEqual([]);
    expect(lab.datasets().filter((each) => each.endsWith("-partial"))).toEqual([]);
    await lab.images.prune({ all: true });
    expect(await lab.imgadm.list()).toEqual([]);
    expect(readdirSync(join(lab.root, "var/imgadm/images"))).toEqual([]);
    expect(readdirSync(lab.host.paths.imageRecords)).toEqual([]);
    expect(readdirSync(lab.host.paths.imageBlobs)).toEqual([]);
  });
});

describe("a full disk", () => {
  async function onSmallDisk(mebibytes: number, work: (directory: string) => Promise<void>): Promise<void> {
    const directory = lab.host.paths.scratch;
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${mebibytes}m,mode=700`, "tmpfs", directory]);
    try {
      await work(directory);
    } finally {
      execFileSync("umount", [directory]);
    }
  }

  it("is told before anything is fetched: what is needed, what is there, and where", async () => {
    const [layer] = registry.layered("large", [[{ name: "large", content: randomBytes(10 * MIB).toString("latin1") }]]);
    await onSmallDisk(70, async (directory) => {
      await expect(lab.images.pull(`${registry.host}/large:1`)).rejects.toMatchObject({
        code: "DISK_FULL",
        message: expect.stringMatching(new RegExp(`needs \\S+ MiB in ${directory}, \\S+ MiB are free`)) as string,
      });
      expect(registry.fetched(layer!.digest)).toEqual([]);
      expect(lab.scratch()).toEqual([]);
    });
  });

  it("in the middle of a download is told with its place, leaves nothing, and passes", async () => {
    const [layer] = registry.layered("filling", [[{ name: "f", content: randomBytes(4 * MIB).toString("latin1") }]]);
    await onSmallDisk(90, async (directory) => {
      const filler = join(directory, "filler");
      registry.misbehave = (request) => {
        if (request.url?.endsWith(layer!.digest) === true) {
          const { bavail, bsize } = statfsSync(directory);
          writeFileSync(filler, Buffer.alloc(bavail * bsize - MIB));
        }
        return false;
      };
      await expect(lab.images.pull(`${registry.host}/filling:1`)).rejects.toMatchObject({
        code: "DISK_FULL",
        message: expect.stringMatching(new RegExp(`${directory}/\\S+ is full`)) as string,
      });
      expect(lab.scratch()).toEqual(["filler"]);
      rmSync(filler);
      registry.misbehave = () => false;
      await lab.images.pull(`${registry.host}/filling:1`);
      expect(lab.scratch()).toEqual([]);
    });
  });

  it("is told of an archive as well", async () => {
    const archive = join(lab.work, "large.tar");
    writeFileSync(archive, Buffer.alloc(10 * MIB));
    await onSmallDisk(70, async (directory) => {
      await expect(lab.images.load(archive)).rejects.toMatchObject({
        code: "DISK_FULL",
        message: expect.stringContaining(`needs 10 MiB in ${directory}`) as string,
      });
    });
  });
});
