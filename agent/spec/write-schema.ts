// Writes manifests/schema/container-spec.v1.json and the table of fields in manifests/README.md. Run it after a change of
// container-spec.ts; a test tells when it was forgotten:
//   node agent/spec/write-schema.ts
import { readFileSync, writeFileSync } from "node:fs";
import { containerJsonSchema, withFieldTable } from "./json-schema.ts";

const manifests = new URL("../../manifests/", import.meta.url);
const readme = new URL("README.md", manifests);
writeFileSync(new URL("schema/container-spec.v1.json", manifests), containerJsonSchema());
writeFileSync(readme, withFieldTable(readFileSync(readme, "utf8")));
