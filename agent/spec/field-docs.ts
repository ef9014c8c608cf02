// What there is to say about a field of a spec. Said once, in container-spec.ts: errors' allowed values come from the
// schemas, and the table in manifests/README.md, the JSON Schema and `zonelet explain spec.FIELD` from here.
import { z } from "zod";
import { suggest } from "../util/suggest.ts";

export interface FieldDoc {
  /** One or two sentences, with Markdown's backquotes. */
  readonly means: string;
  /** Kind of value and its unit, e.g. `size (512m, 1g; a plain number is bytes)`. */
  readonly type: string;
  /** What holds without it. Absent: nothing happens. */
  readonly otherwise?: string;
  readonly allowed?: string;
  /** The platform's property or metadata key it becomes, with its unit. Absent: only the agent acts on it. */
  readonly platform?: string;
  /** A value as YAML has it. */
  readonly example: unknown;
}

const docs = z.registry<FieldDoc>();

/** An optional field with what there is to say about it. */
export function field<T extends z.ZodType>(type: T, doc: FieldDoc): z.ZodOptional<T> {
  return documented(type.optional(), doc);
}

/** The same for a field that has to be there, or brings its own default. */
export function documented<T extends z.ZodType>(type: T, doc: FieldDoc): T {
  const description = doc.otherwise === undefined ? doc.means : `${doc.means} Default: ${doc.otherwise}.`;
  const schema = type.meta({ description, examples: [doc.example] });
  docs.add(schema, doc);
  return schema;
}

export interface NamedField extends FieldDoc {
  /** `log.maxSize` */
  readonly path: string;
}

/** Every field below a schema, outer ones first, in the order of the schema. */
export function listFields(schema: z.core.$ZodType, prefix = ""): NamedField[] {
  return objectsIn(schema).flatMap((object) =>
    Object.entries(object._zod.def.shape).flatMap(([key, inner]) => {
      const path = prefix === "" ? key : `${prefix}.${key}`;
      const doc = docs.get(inner);
      return [...(doc === undefined ? [] : [{ path, ...doc }]), ...listFields(inner, path)];
    }),
  );
}

export type FieldSearch =
  | { readonly found: NamedField; readonly inner: readonly NamedField[] }
  | { readonly found?: undefined; readonly suggestion?: string; readonly known: readonly string[] };

/** A field by its dotted path; indexes (`networks[0].ip`) are passed over. */
export function findField(schema: z.core.$ZodType, path: string): FieldSearch {
  const fields = listFields(schema);
  const wanted = path.replaceAll(/\[\d*\]/g, "");
  const found = fields.find((one) => one.path === wanted);
  if (found !== undefined) return { found, inner: fields.filter((one) => one.path.startsWith(`${wanted}.`)) };
  const parent = wanted.split(".").slice(0, -1).join(".");
  const siblings = fields.map((one) => one.path).filter((one) => one.split(".").slice(0, -1).join(".") === parent);
  const known = siblings.length > 0 ? siblings : fields.map((one) => one.path).filter((one) => !one.includes("."));
  const suggestion = suggest(
    wanted,
    fields.map((one) => one.path),
  );
  return { known, ...(suggestion === undefined ? {} : { suggestion }) };
}

/** The object schemas a value may be checked by, whatever is wrapped around them. */
function objectsIn(schema: z.core.$ZodType): z.core.$ZodObject[] {
  if (schema instanceof z.core.$ZodObject) return [schema];
  if (schema instanceof z.core.$ZodUnion) return schema._zod.def.options.flatMap(objectsIn);
  if (schema instanceof z.core.$ZodArray) return objectsIn(schema._zod.def.element);
  if (schema instanceof z.core.$ZodPipe) return objectsIn(schema._zod.def.in);
  if (
    schema instanceof z.core.$ZodOptional ||
    schema instanceof z.core.$ZodDefault ||
    schema instanceof z.core.$ZodPrefault ||
    schema instanceof z.core.$ZodNullable
  )
    return objectsIn(schema._zod.def.innerType);
  return [];
}
