// The promises of the Imgadm interface. Whatever passes this suite may stand below the layers that use it.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Imgadm } from "../../agent/imgadm/client.ts";
import { imageUuid, type ImageManifest } from "../../agent/imgadm/schema.ts";
import { newZoneUuid } from "../../agent/util/ids.ts";
import { aContainer, buildLayer, layerManifest, SLEEPS, type Bench } from "./bench.ts";
import { expectCode } from "./expect-code.ts";

export function imgadmContract(name: string, open: () => Promise<Bench>): void {
  describe(`imgadm over ${name}`, () => {
    let bench: Bench;
    let imgadm: Imgadm;
    let layer: string;
    let base: ImageManifest;
    let top: ImageManifest;

    beforeAll(async () => {
      bench = await open();
      imgadm = bench.imgadm;
      layer = await buildLayer(bench.scratch, "layer", "file");
      base = await layerManifest(layer);
      top = await layerManifest(layer, base.uuid);
    }, 60_000);
    afterAll(async () => {
      await imgadm.delete(top.uuid);
      await imgadm.delete(base.uuid);
      await bench.close();
    });

    const absent = imageUuid.parse(newZoneUuid());

    describe("happy path", () => {
      it("installs a chain of layers", async () => {
        expect(await imgadm.install(base, layer)).toBe("installed");
        expect(await imgadm.install(top, layer)).toBe("installed");
        const image = await imgadm.get(top.uuid);
        expect(image).toMatchObject({
          zpool: "zones",
          manifest: { uuid: top.uuid, type: "docker", origin: base.uuid, tags: top.tags, version: top.version },
        });
      });

      it("lists it with its users, and its ancestry from the top down", async () => {
        const list = await imgadm.list();
        expect(list.find((image) => image.manifest.uuid === base.uuid)).toMatchObject({
          clones: 1,
          cloneNames: [`zones/${top.uuid}`],
        });
        expect(list.map((image) => image.manifest.uuid)).toEqual(
          expect.arrayContaining([bench.image, base.uuid, top.uuid]),
        );
        expect((await imgadm.ancestry(top.uuid)).map((image) => image.manifest.uuid)).toEqual([top.uuid, base.uuid]);
      });

      it("tells the children of an image", async () => {
        expect((await imgadm.get(base.uuid, { children: true }))?.children).toEqual({
          snapshots: [`zones/${base.uuid}@final`],
          clones: [`zones/${top.uuid}`],
        });
        expect((await imgadm.get(top.uuid, { children: true }))?.children?.clones).toEqual([]);
      });

      it("lists sources", async () => {
        expect(Array.isArray(await imgadm.sources())).toBe(true);
      });
    });

    describe("idempotence", () => {
      it("takes an installed image for success, and an absent one for deleted", async () => {
        expect(await imgadm.install(base, layer)).toBe("present");
        await imgadm.delete(absent);
        expect(await imgadm.get(absent)).toBeUndefined();
      });
    });

    describe("error codes", () => {
      it("refuses to delete what is in use", async () => {
        const error = await expectCode(imgadm.delete(base.uuid), "IMAGE_IN_USE");
        expect(error.details["clone"]).toBe(`zones/${top.uuid}`);
        const zone = aContainer(bench, SLEEPS);
        await bench.vmadm.create(zone);
        await expectCode(imgadm.delete(imageUuid.parse(bench.image)), "IMAGE_IN_USE");
        await bench.vmadm.delete(zone.uuid);
      });

      it("refuses a layer whose origin is missing, and leaves nothing of it", async () => {
        const orphan = await layerManifest(layer, absent);
        const error = await expectCode(imgadm.install(orphan, layer), "IMAGE_ORIGIN_MISSING");
        expect(error.details["origin"]).toBe(absent);
        expect(await imgadm.get(orphan.uuid)).toBeUndefined();
      });

      it("refuses a file that is missing or not the manifest's", async () => {
        const manifest = await layerManifest(layer);
        await expectCode(imgadm.install(manifest, join(bench.scratch, "nowhere.tar")), "IMAGE_FILE_INVALID");
        const other = join(bench.scratch, "other.tar");
        await writeFile(other, "something else");
        await expectCode(imgadm.install(manifest, other), "IMAGE_FILE_INVALID");
        expect(await imgadm.get(manifest.uuid)).toBeUndefined();
      });

      it("refuses the ancestry of an absent image", async () => {
        await expectCode(imgadm.ancestry(absent), "IMAGE_NOT_INSTALLED");
      });

      it("does nothing when the signal has aborted", async () => {
        const manifest = await layerManifest(layer);
        await expectCode(imgadm.install(manifest, layer, { signal: AbortSignal.abort() }), "CANCELLED");
        expect(await imgadm.get(manifest.uuid)).toBeUndefined();
      });
    });

    describe("concurrency", () => {
      it("installs an image once", async () => {
        const manifest = await layerManifest(layer);
        const endings = await Promise.all([1, 2].map(() => imgadm.install(manifest, layer)));
        expect(endings.sort()).toEqual(["installed", "present"]);
        await imgadm.delete(manifest.uuid);
        expect(await imgadm.get(manifest.uuid)).toBeUndefined();
      });
    });
  });
}
