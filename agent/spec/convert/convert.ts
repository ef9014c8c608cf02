// Any document in another form: as a container spec or as the body of a Docker create request. The third form, the
// payload for vmadm, needs the image and is made by zoneinit.
import { containerSpecSchema, type ContainerSpec } from "../container-spec.ts";
import type { Command } from "../image-defaults.ts";
import { zodProblems } from "../issues.ts";
import { specError } from "../problem.ts";
import type { SpecDocument } from "../read.ts";
import { specCommand } from "../resolve-command.ts";
import { flagSource } from "../source.ts";
import { dockerBody } from "./docker-body.ts";
import { manifestNotation, type ManifestSurroundings } from "./from-manifest.ts";
import { specNotation, type Written } from "./notation.ts";

/** Raises SPEC_INVALID where a manifest's values are none a container spec can have, such as 1 MiB of memory. */
export function convertDocument(
  document: SpecDocument,
  form: "spec" | "docker",
  around: ManifestSurroundings,
): Written {
  const { spec, command, gaps } =
    document.format === "container" ? fromContainer(document) : fromManifest(document, around);
  const written = form === "spec" ? specNotation(spec, command) : dockerBody(spec, command);
  return { value: written.value, gaps: [...gaps, ...written.gaps] };
}

interface Meaning {
  readonly spec: ContainerSpec;
  readonly command: Command;
  readonly gaps: Written["gaps"];
}

function fromContainer({ spec, converted }: Extract<SpecDocument, { format: "container" }>): Meaning {
  const group = converted?.group;
  return {
    spec,
    command: converted?.command ?? specCommand(spec),
    gaps: group === undefined ? [] : [{ path: "", message: `it no longer belongs to the group "${group.name}"` }],
  };
}

function fromManifest(
  { manifest, source }: Extract<SpecDocument, { format: "manifest" }>,
  around: ManifestSurroundings,
): Meaning {
  const { value, gaps } = manifestNotation(manifest, around);
  const parsed = containerSpecSchema.safeParse(value);
  if (parsed.success) return { spec: parsed.data, command: specCommand(parsed.data), gaps };
  const made = { ...flagSource(value, {}), locate: () => ({ where: source.name, file: source.name }) };
  throw specError(
    "SPEC_INVALID",
    zodProblems(containerSpecSchema, made, parsed.error.issues),
    "the manifest says what no container spec can",
  );
}
