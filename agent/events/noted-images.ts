// What is done to images, noted as events: the platform tells nobody (events-and-filters.md 10).
import type { ImageRecord, Images } from "../imgadm/images.ts";
import type { Events } from "./events.ts";

/** The same operations; those that changed something are noted afterwards. What cannot be noted fails nothing. */
export function notedImages(images: Images, events: Pick<Events, "note">): Images {
  const made = async (record: ImageRecord): Promise<ImageRecord> => {
    const name = record.references.at(-1) ?? record.config;
    await events.note("/images/create", { name, labels: record.configuration.config?.Labels ?? {} });
    return record;
  };
  return {
    ...images,
    pull: async (...args) => made(await images.pull(...args)),
    load: async (...args) => {
      const records = await images.load(...args);
      for (const record of records) await made(record);
      return records;
    },
    tag: async (...args) => {
      const record = await images.tag(...args);
      await events.note("/images/update", {
        name: record.references.at(-1) ?? record.config,
        labels: record.configuration.config?.Labels ?? {},
      });
      return record;
    },
    remove: async (...args) => {
      const removed = await images.remove(...args);
      for (const name of removed.untagged) await events.note("/images/delete", { name });
      return removed;
    },
  };
}
