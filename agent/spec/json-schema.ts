import { z } from "zod";
import { containerSpecSchema } from "./container-spec.ts";

/** JSON Schema of what a person writes (units as text, lists or maps), as the text of its file. */
export function containerJsonSchema(): string {
  const schema = z.toJSONSchema(containerSpecSchema, { io: "input", target: "draft-2020-12" });
  return `${JSON.stringify({ title: "zonelet ContainerSpec v1", ...schema }, null, 2)}\n`;
}
