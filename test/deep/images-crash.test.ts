// A pull that dies at any point, and the same pull again: it converges, and nothing half-made stays.
import { spawn, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { FakeRegistry } from "../support/fake-registry.ts";
import { eventually } from "../support/eventually.ts";
import { describeTree, TestLayout } from "../support/images.ts";
import { ImageLab } from "../support/image-lab.ts";
import { TestRegistry } from "../support/registry.ts";

const ZONELET = join(import.meta.dirname, "../../agent/main.ts");

let lab: ImageLab;
let layout: TestLayout;
let registry: TestRegistry;
let wanted: ReturnType<typeof describeTree>;
let reference: string;

beforeAll(async () => {
  lab = await ImageLab.create();
  layout = await TestLayout.create(join(lab.work, "images"));
  registry = await TestRegistry.start(join(lab.work, "registry"));
  // The last layer needs a removal image and a rewrite: every kind of step is in it.
  await layout.image("app", [
    (l) => l.file("d/a").file("d/b"),
    (l) => l.file("c"),
    (l) => l.whiteout("d").file("d/new"),
  ]);
  wanted = describeTree(await layout.unpack("app"));
  reference = await registry.push(layout.directory, "app", "crash:1");
});

afterAll(async () => {
  await registry.stop();
  await lab.destroy();
});

beforeEach(() => {
  // The lab counts hits of a failpoint in files; each test counts from the first.
  rmSync(join(lab.root, "lab/failpoints"), { recursive: true, force: true });
});

function startPull(name: string, failpoints = ""): ChildProcess {
  return spawn(process.execPath, ["--disable-warning=ExperimentalWarning", ZONELET, "pull", name], {
    stdio: "ignore",
    env: { PATH: process.env["PATH"] ?? "", LABHOST_ROOT: lab.root, LABHOST_FAILPOINTS: failpoints },
  });
}

async function ended(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => child.once("exit", (status, signal) => resolve(signal ?? String(status))));
}

async function expectConverged(): Promise<void> {
  const record = await lab.images.pull(reference);
  expect(describeTree(lab.tree(record))).toEqual(wanted);
  expect(lab.scratch()).toEqual([]);
  expect(lab.datasets().filter((name) => name.endsWith("-partial"))).toEqual([]);
  const removed = await lab.images.remove(reference);
  expect(removed).toMatchObject({ untagged: [reference], kept: false });
  expect(await lab.imgadm.list()).toEqual([]);
}

describe("SIGKILL of the puller", () => {
  it.each([
    // Term n of a failpoint is the n-th install: two layers, the removal image, the last layer.
    ["before the first install", "imgadm.install.begin=1*killparent"],
    ["while a layer is unpacked", "imgadm.install.untar=1*off->1*killparent"],
    ["while whiteouts are applied", "imgadm.install.whiteouts=2*off->1*killparent"],
    ["between the removal image and the layer", "imgadm.install.begin=3*off->1*killparent"],
    ["after the last install", "imgadm.install.end=3*off->1*killparent"],
    ["at the last look", "imgadm.get.begin=1*off->1*killparent"],
  ])("%s", async (_, failpoints) => {
    expect(await ended(startPull(reference, failpoints))).toBe("SIGKILL");
    await expectConverged();
  });

  it("in the middle of a download: what had arrived is not fetched again", async () => {
    const slow = await FakeRegistry.start();
    try {
      const [whole, half, late] = slow.layered("slow", [
        [{ name: "whole", content: "1" }],
        [{ name: "half", content: randomBytes(50_000).toString("latin1") }],
        [{ name: "late", content: "3" }],
      ]);
      const blob = slow.blobs.get(half!.digest)!;
      let stalled = false;
      slow.misbehave = (request, response) => {
        if (request.url?.endsWith(half!.digest) !== true || stalled) return false;
        response.writeHead(200, { "content-length": blob.length });
        response.write(blob.subarray(0, 20_000));
        stalled = true;
        return true;
      };
      // The first layer arrives and is not installed: the puller dies before.
      const child = startPull(`${slow.host}/slow:1`, "imgadm.install.begin=1*delay(60000)");
      const exit = ended(child);
      const arrived = (digest: string, size: number) => () =>
        lab.scratch().some((name) => {
          const file = join(lab.host.paths.scratch, name, `${digest.slice(7)}.blob`);
          return existsSync(file) && statSync(file).size >= size;
        });
      for (const [digest, size] of [
        [whole!.digest, whole!.size],
        [half!.digest, 20_000],
        [late!.digest, late!.size],
      ] as const)
        await eventually(arrived(digest, size), { what: `${size} bytes of ${digest} are there`, within: 10_000 });
      child.kill("SIGKILL");
      expect(await exit).toBe("SIGKILL");
      const record = await lab.images.pull(`${slow.host}/slow:1`);
      expect(readdirSync(lab.tree(record)).sort()).toEqual(["half", "late", "whole"]);
      for (const { digest } of [whole!, late!]) expect(slow.fetched(digest)).toHaveLength(1);
      expect(slow.fetched(half!.digest).map(({ range }) => range)).toEqual([undefined, "bytes=20000-"]);
      expect(lab.scratch()).toEqual([]);
      await lab.images.remove(`${slow.host}/slow:1`);
    } finally {
      await slow.stop();
    }
  });
});

describe("imgadm", () => {
  it.each([
    ["dies while unpacking", "imgadm.install.untar=1*off->1*kill"],
    ["fails while unpacking", "imgadm.install.untar=1*off->1*error(no space left on device)"],
  ])("%s: told, and repeated", async (_, failpoints) => {
    expect(await ended(startPull(reference, failpoints))).not.toBe("0");
    await expectConverged();
  });
});

it("records that cannot be read are put aside, and the image is pulled again", async () => {
  const record = await lab.images.pull(reference);
  writeFileSync(lab.host.paths.imageRecord(record.config), '{"version":1,"config":');
  expect(await lab.images.find(reference)).toMatchObject({ imageUuid: record.imageUuid });
  expect((await lab.images.find(reference))?.record).toBeUndefined();
  await expectConverged();
});
