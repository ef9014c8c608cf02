// What is written from container-spec.ts for others: the JSON Schema editors use, and the table people read.
import { z } from "zod";
import { containerSpecSchema } from "./container-spec.ts";

/** JSON Schema of what a person writes (units as text, lists or maps), as the text of its file. */
export function containerJsonSchema(): string {
  const schema = z.toJSONSchema(containerSpecSchema, { io: "input", target: "draft-2020-12" });
  return `${JSON.stringify({ title: "zonelet ContainerSpec v1", ...schema }, null, 2)}\n`;
}

/** Rows of the table of fields in manifests/README.md. */
function fieldTable(): string {
  const rows = Object.entries(containerSpecSchema.shape).map(([key, schema]) => {
    const description = schema.description ?? "";
    return `| \`${key}\` | ${description.replaceAll("|", "\\|")} |`;
  });
  return ["| field | meaning |", "|---|---|", ...rows].join("\n");
}

/** The README with its table brought up to date. Throws when the marks around it are missing. */
export function withFieldTable(readme: string): string {
  const marks = /(<!-- fields: .*? -->\n)[^]*?(\n<!-- end of fields -->)/;
  if (!marks.test(readme)) throw new Error("the README has no place for the table of fields");
  return readme.replace(marks, (_, begin: string, end: string) => `${begin}${fieldTable()}${end}`);
}
