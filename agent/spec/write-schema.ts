// Writes manifests/schema/container-spec.v1.json for editors. Run it after a change of container-spec.ts:
//   node agent/spec/write-schema.ts
import { writeFileSync } from "node:fs";
import { containerJsonSchema } from "./json-schema.ts";

writeFileSync(new URL("../../manifests/schema/container-spec.v1.json", import.meta.url), containerJsonSchema());
