// Filter vectors: what a file of them holds, and the verdict on each of its cases.
import { z } from "zod";
import {
  containerAdaptor,
  contentAdaptor,
  fields,
  imageAdaptor,
  ingestAdaptor,
  leaseAdaptor,
  map,
  pluginAdaptor,
  sandboxAdaptor,
  snapshotAdaptor,
  text,
} from "../../agent/filters/adaptors.ts";
import { DockerFilters } from "../../agent/filters/docker-args.ts";
import { filterContainers } from "../../agent/filters/docker-containers.ts";
import { dockerEventFilter } from "../../agent/filters/docker-events.ts";
import { compileFilters, type Adaptor } from "../../agent/filters/evaluate.ts";
import { eventAdaptor } from "../../agent/filters/event-fields.ts";
import { parseFilters, FilterProblem, parseFilter, type FilterText } from "../../agent/filters/parse.ts";
import { AgentError } from "../../agent/errors/agent-error.ts";

const Labels = z.record(z.string(), z.string()).optional();
const Keyed = z.looseObject({ key: z.string() });

const Expect = z.union([
  z.strictObject({ match: z.array(z.string()) }),
  z.strictObject({
    error: z.looseObject({
      message: z.string().optional(),
      position: z.number().optional(),
      detail: z.string().optional(),
      at_end: z.boolean().optional(),
      filter_index: z.number().optional(),
    }),
  }),
]);

const Case = z.looseObject({
  id: z.string(),
  corpus: z.string(),
  filters: z.array(z.string()).optional(),
  filters_base64: z.array(z.string()).optional(),
  filters_arg: z.unknown().optional(),
  filters_json: z.string().optional(),
  all: z.boolean().optional(),
  expect: Expect,
});

export const FilterVectorFile = z.looseObject({
  group: z.string(),
  syntax: z.enum(["containerd", "docker"]),
  corpora: z.record(z.string(), z.strictObject({ type: z.string(), objects: z.array(Keyed) })),
  cases: z.array(Case),
});
export type FilterVectorFile = z.infer<typeof FilterVectorFile>;
export type FilterCase = z.infer<typeof Case>;
type Corpus = FilterVectorFile["corpora"][string];

export interface FilterOutcome {
  readonly match?: readonly string[];
  readonly error?: Readonly<Record<string, unknown>>;
}

/** What we make of a case, in the form of its `expect`, with the members it asks for. */
export function filterOutcome(file: FilterVectorFile, vector: FilterCase): FilterOutcome {
  const corpus = file.corpora[vector.corpus];
  if (!corpus) throw new Error(`no collection ${vector.corpus}`);
  return file.syntax === "docker" ? dockerOutcome(corpus, vector) : containerdOutcome(corpus, vector);
}

function containerdOutcome(corpus: Corpus, vector: FilterCase): FilterOutcome {
  const texts: FilterText[] =
    vector.filters ?? (vector.filters_base64 ?? []).map((encoded) => Buffer.from(encoded, "base64"));
  try {
    const filters = parseFilters(texts);
    return { match: matching(corpus, (adaptor) => compileFilters(filters, adaptor)) };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const index = Number(error.details["filterIndex"]);
    return { error: picked(vector, { ...problemOf(texts[index] ?? ""), filter_index: index }) };
  }
}

/** The error of parsing that one text, as the vectors tell it. */
function problemOf(text: FilterText): Readonly<Record<string, unknown>> {
  try {
    parseFilter(text);
  } catch (error) {
    if (error instanceof FilterProblem)
      return { message: error.message, position: error.position, detail: error.detail, at_end: error.atEnd };
    throw error;
  }
  return {};
}

/** Messages that are no UTF-8 stand as `message_base64` and are not compared (README of the vectors). */
function picked(vector: FilterCase, error: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  if (!("error" in vector.expect)) return error;
  const asked = vector.expect.error;
  return Object.fromEntries(
    Object.keys(asked).map((name) => [name, name === "message_base64" ? asked[name] : error[name]]),
  );
}

type Compile = <T>(adaptor: Adaptor<T>) => (object: T) => boolean;

function matching(corpus: Corpus, compile: Compile): string[] {
  const keysOf = <T>(schema: z.ZodType<T>, adaptor: Adaptor<T>): string[] => {
    const holds = compile(adaptor);
    return corpus.objects.filter((object) => holds(schema.parse(object))).map((object) => object.key);
  };
  switch (corpus.type) {
    case "thing":
      return keysOf(Thing, thingAdaptor);
    case "container":
      return keysOf(Container, containerAdaptor);
    case "image":
      return keysOf(Image, imageAdaptor);
    case "snapshot":
      return keysOf(Snapshot, snapshotAdaptor);
    case "content":
      return keysOf(z.object({ digest: z.string(), labels: Labels }), contentAdaptor);
    case "ingest":
      return keysOf(z.object({ ref: z.string() }), ingestAdaptor);
    case "lease":
      return keysOf(z.object({ id: z.string(), labels: Labels }), leaseAdaptor);
    case "sandbox":
      return keysOf(z.object({ id: z.string(), labels: Labels }), sandboxAdaptor);
    case "plugin":
      return keysOf(z.object({ type: z.string(), id: z.string() }), pluginAdaptor);
    case "event":
      return keysOf(Event, eventAdaptor);
    default:
      throw new Error(`no such kind of object: ${corpus.type}`);
  }
}

const Thing = z.object({ name: z.string().optional(), other: z.string().optional(), labels: Labels });
const thingAdaptor = fields<z.infer<typeof Thing>>({
  name: text((t) => t.name),
  other: text((t) => t.other),
  labels: map((t) => t.labels),
});
const Container = z.object({
  id: z.string(),
  image: z.string().optional(),
  runtime: z.object({ name: z.string().optional() }).optional(),
  labels: Labels,
});
const Image = z.object({
  name: z.string(),
  target: z.object({ digest: z.string().optional(), mediatype: z.string().optional() }).optional(),
  labels: Labels,
  annotations: Labels,
});
const Snapshot = z.object({ kind: z.string(), name: z.string(), parent: z.string().optional(), labels: Labels });
const Event = z.object({
  namespace: z.string().default(""),
  topic: z.string().default(""),
  type: z.string(),
  event: z.record(z.string(), z.unknown()),
});

function dockerOutcome(corpus: Corpus, vector: FilterCase): FilterOutcome {
  try {
    const filters = DockerFilters.parse(vector.filters_json ?? JSON.stringify(vector.filters_arg ?? {}));
    if (corpus.type === "docker-event") {
      const passes = dockerEventFilter(filters);
      return { match: corpus.objects.filter((o) => passes(DockerEvent.parse(o))).map((o) => o.key) };
    }
    const listed = corpus.objects.map((object) => DockerContainer.parse(object));
    return { match: filterContainers(listed, { all: vector.all ?? false, filters }).map((c) => c.key) };
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    return { error: { status: error.class === "InvalidArgument" ? 400 : 500, message: error.message } };
  }
}

const DockerEvent = z.object({
  Type: z.string(),
  Action: z.string(),
  Actor: z.object({ ID: z.string(), Attributes: Labels }),
  scope: z.string().optional(),
});
const DockerContainer = z.object({
  key: z.string(),
  id: z.string(),
  name: z.string(),
  state: z.string(),
  health: z.string().optional(),
  labels: z.record(z.string(), z.string()).default({}),
});
