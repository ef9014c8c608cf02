// image_get, image_ensure_present (amqp-head-node.md 10.2)
import { z } from "zod";
import { AgentError } from "../../errors/agent-error.ts";
import { isImageUuid, type ImageUuid } from "../../util/ids.ts";
import { defineTask, type Task } from "../task.ts";
import type { TaskServices } from "./services.ts";

const imageUuid = z.string().refine((text): text is ImageUuid => isImageUuid(text), "not a lower-case uuid");

export function imageTasks({ imgadm, images }: TaskServices): readonly Task[] {
  return [
    defineTask({
      name: "image_get",
      summary: "the manifest of an installed image",
      class: "image_query",
      deadlineS: 60,
      mutates: false,
      input: z.object({ uuid: imageUuid.describe("the image") }),
      output: z.looseObject({ uuid: z.string() }),
      run: async ({ uuid }, { signal }) => {
        const image = await imgadm.get(uuid, { signal });
        if (!image) throw new AgentError("IMAGE_NOT_INSTALLED", `no image ${uuid} on this node`);
        return image.manifest;
      },
      observe: () => Promise.resolve({ found: "undone" }),
    }),
    defineTask({
      name: "image_ensure_present",
      summary: "fetches an image unless it is there",
      class: "image_import",
      deadlineS: 3600,
      mutates: true,
      input: z.object({ image: z.string().min(1).max(512).describe("reference, id or uuid") }),
      output: z.object({ image_uuid: z.string() }),
      run: async ({ image }, { signal }) => {
        const found = await images.find(image, { signal });
        return { image_uuid: found?.imageUuid ?? (await images.pull(image, { signal })).imageUuid };
      },
      observe: async ({ image }, { signal }) => {
        const found = await images.find(image, { signal });
        return found ? { found: "done", result: { image_uuid: found.imageUuid } } : { found: "undone" };
      },
    }),
  ];
}
