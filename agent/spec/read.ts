// From text, file or flags to specs the agent can act on. Every format has a row here or in formats/formats.ts.
import { open } from "node:fs/promises";
import { basename, dirname, resolve } from "node:path";
import { AgentError } from "../errors/agent-error.ts";
import { containerSpecSchema, type ContainerSpec } from "./container-spec.ts";
import { CONTAINER_WORDS } from "./container-words.ts";
import { withEnvFiles } from "./env-file.ts";
import { MAX_SPEC_BYTES, parseSpecText } from "./file.ts";
import { Report, type Format, type Given, type SpecFormat } from "./formats/format.ts";
import { FOREIGN_FORMATS } from "./formats/formats.ts";
import { toContainers, type Converted } from "./from-neutral/containers.ts";
import { zodProblems } from "./issues.ts";
import { specError, type SpecProblem } from "./problem.ts";
import { readRawManifest, type RawManifest } from "./raw-manifest.ts";
import { flagSource, problemAt, subSource, type SpecSource } from "./source.ts";

/** A document that has passed its format's own rules. */
export type SpecDocument =
  | {
      readonly format: "container";
      readonly spec: ContainerSpec;
      readonly source: SpecSource;
      /** Present when the container was made from another format's document. */
      readonly converted?: Converted;
    }
  | { readonly format: "manifest"; readonly manifest: RawManifest; readonly source: SpecSource };

/** What is wrong with the documents of a text. */
interface Found {
  readonly problems: SpecProblem[];
  /** Of documents that are right, but cannot be had here. */
  readonly refusals: SpecProblem[];
}

interface Row {
  readonly format: SpecFormat;
  readonly detect: (document: Readonly<Record<string, unknown>>) => boolean;
  readonly read: (source: SpecSource, found: Found, given: Given) => SpecDocument[];
}

const has = (document: Readonly<Record<string, unknown>>, ...keys: readonly string[]): boolean =>
  keys.every((key) => Object.hasOwn(document, key));

/** The first row that fits decides, among those of the format the caller names. */
const FORMATS: readonly Row[] = [
  {
    format: "vmadm",
    detect: (d) => has(d, "brand") || has(d, "image_uuid") || has(d, "internal_metadata"),
    read: (source, { problems }) => {
      const manifest = readRawManifest(source, problems);
      return manifest === undefined ? [] : [{ format: "manifest", manifest, source }];
    },
  },
  ...FOREIGN_FORMATS.map((format) => ({
    format: format.name,
    detect: format.detect,
    read: (source: SpecSource, found: Found, given: Given) => readForeign(format, source, found, given),
  })),
  {
    format: "spec",
    detect: (d) => has(d, "containers"),
    read: (source, found, given) => readContainers(source, found, given),
  },
  {
    format: "spec",
    detect: () => true,
    read: (source, { problems }, { format }) => {
      if (format === undefined) tellUnknown(source, problems);
      return readContainer(source, problems);
    },
  },
];

/** Every document of a text, env files not read. Raises SPEC_SYNTAX, SPEC_INVALID with all problems at once, or SPEC_UNSUPPORTED. */
export function readSpecs(text: string, name: string, given: Given = {}): SpecDocument[] {
  return collect((found) => parseSpecText(text, name).flatMap((source) => readDocument(source, found, given)));
}

/**
 * As `readSpecs`, with the env files read that the documents name, relative to `directory`. An abort between documents
 * rejects with the signal's reason.
 */
export async function readSpecText(
  text: string,
  name: string,
  directory: string,
  signal?: AbortSignal,
  given: Given = {},
): Promise<SpecDocument[]> {
  const complete: SpecDocument[] = [];
  for (const document of readSpecs(text, name, { project: basename(resolve(directory)), ...given })) {
    signal?.throwIfAborted();
    complete.push(
      document.format === "container"
        ? { ...document, spec: await withEnvFiles(document.spec, document.source, directory) }
        : document,
    );
  }
  return complete;
}

/** As `readSpecText` for a file. Raises SPEC_INVALID when it cannot be read. */
export async function readSpecFile(path: string, signal?: AbortSignal, given: Given = {}): Promise<SpecDocument[]> {
  return readSpecText(await readText(path), path, dirname(path), signal, given);
}

/**
 * A spec made of flags: plain data as a file would hold it, and which flag stands behind which path. Errors name the
 * flag instead of a line. Env files are relative to `directory`.
 */
export async function specFromFlags(
  value: Readonly<Record<string, unknown>>,
  flags: Readonly<Record<string, string>>,
  directory: string,
): Promise<Extract<SpecDocument, { format: "container" }>> {
  const source = flagSource(value, flags);
  const [document] = collect(({ problems }) => readContainer(source, problems));
  if (document?.format !== "container") throw new AgentError("INTERNAL", "flags did not become a container spec");
  return { ...document, spec: await withEnvFiles(document.spec, source, directory) };
}

function collect<T>(read: (found: Found) => T): T {
  const found: Found = { problems: [], refusals: [] };
  const result = read(found);
  if (found.problems.length > 0) throw specError("SPEC_INVALID", [...found.problems, ...found.refusals]);
  if (found.refusals.length > 0) throw specError("SPEC_UNSUPPORTED", found.refusals);
  return result;
}

function readDocument(source: SpecSource, found: Found, given: Given): SpecDocument[] {
  const { value } = source;
  if (isRecord(value)) {
    const rows = given.format === undefined ? FORMATS : FORMATS.filter((row) => row.format === given.format);
    // A format that is named is read as such, whatever its keys tell: its reader says what is missing.
    const row = rows.find((one) => one.detect(value)) ?? rows[0];
    return row?.read(source, found, given) ?? [];
  }
  found.problems.push(problemAt(source, [], "a spec is a map of keys, such as image: nginx"));
  return [];
}

/** A document that reads like none of the formats: said once, before all that is wrong with it as a container spec. */
function tellUnknown(source: SpecSource, problems: SpecProblem[]): void {
  const keys = isRecord(source.value) ? Object.keys(source.value) : [];
  if (keys.some((key) => Object.hasOwn(containerSpecSchema.shape, key))) return;
  const seen = keys.slice(0, MAX_SEEN).map((key) => JSON.stringify(key.slice(0, MAX_SEEN_LENGTH)));
  const more = keys.length > MAX_SEEN ? ", …" : "";
  const told = keys.length === 0 ? "it has no keys" : `its keys are ${seen.join(", ")}${more}`;
  problems.push(
    problemAt(
      source,
      [],
      `this is no format known here: ${told}. It is read as a container spec; --format names another one`,
    ),
  );
}

const MAX_SEEN = 8;
const MAX_SEEN_LENGTH = 40;

function readForeign(format: Format, source: SpecSource, found: Found, given: Given): SpecDocument[] {
  const report = new Report(source);
  const document = format.read(source, given, report);
  const containers = document === undefined ? [] : toContainers(document, source, given, report);
  (report.code === "SPEC_UNSUPPORTED" ? found.refusals : found.problems).push(...report.problems);
  return containers.map((container) => ({ format: "container", ...container }));
}

function readContainer(source: SpecSource, problems: SpecProblem[]): SpecDocument[] {
  const parsed = containerSpecSchema.safeParse(source.value);
  if (parsed.success) return [{ format: "container", spec: parsed.data, source }];
  problems.push(...zodProblems(containerSpecSchema, source, parsed.error.issues, CONTAINER_WORDS));
  return [];
}

function readContainers(source: SpecSource, found: Found, given: Given): SpecDocument[] {
  const { problems } = found;
  const { value } = source;
  if (!isRecord(value)) return [];
  for (const key of Object.keys(value))
    if (key !== "containers" && key !== "zonelet")
      problems.push(problemAt(source, [key], `unknown key "${key}" beside "containers"`, { at: "key" }));
  if (Object.hasOwn(value, "zonelet") && value["zonelet"] !== 1)
    problems.push(problemAt(source, ["zonelet"], "only version 1 is known"));
  const list = value["containers"];
  if (!Array.isArray(list) || list.length === 0) {
    problems.push(problemAt(source, ["containers"], "must be a list of container specs"));
    return [];
  }
  return list.flatMap((item: unknown, i) => readDocument(subSource(source, ["containers", i], item), found, given));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Text of a file of at most 512 KiB. */
export async function readText(path: string): Promise<string> {
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    if (size > MAX_SPEC_BYTES) throw new AgentError("SPEC_SYNTAX", `${path} is larger than 512 KiB: not a spec`);
    return await file.readFile("utf8");
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw new AgentError("SPEC_INVALID", `cannot read ${path}`, { cause: error });
  }
}
