// What filters reach in each kind of object, and when it counts as present (events-and-filters.md 2 and 4.6).
import type { Adaptor, FieldReader } from "./evaluate.ts";

type Labels = Readonly<Record<string, string>>;

/** How one field of an object is read. `rest` are the parts of the path behind its name, which plain fields ignore. */
type Field<T> = (rest: readonly string[]) => FieldReader<T>;

/** A plain field; present unless empty, or always. */
export function text<T>(
  read: (object: T) => string | undefined,
  presence: "non-empty" | "always" = "non-empty",
): Field<T> {
  const reader: FieldReader<T> =
    presence === "always" ? (object) => read(object) ?? "" : (object) => read(object) || undefined;
  return () => reader;
}

/** A map: the rest of the path, joined with dots, is the key; present when the key exists, even with an empty value. */
export function map<T>(read: (object: T) => Labels | undefined): Field<T> {
  return (rest) => {
    const key = rest.join(".");
    return (object) => {
      const entries = read(object);
      return entries !== undefined && Object.hasOwn(entries, key) ? entries[key] : undefined;
    };
  };
}

/** An adaptor of named fields. A name may be a path of two parts, as `runtime.name`. */
export function fields<T>(table: Readonly<Record<string, Field<T>>>): Adaptor<T> {
  const find = (name: string): Field<T> | undefined => (Object.hasOwn(table, name) ? table[name] : undefined);
  return (path) => {
    const [first = "", second, ...rest] = path;
    const plain = find(first);
    if (plain) return plain(path.slice(1));
    return second === undefined ? undefined : find(`${first}.${second}`)?.(rest);
  };
}

export interface FilterableContainer {
  readonly id: string;
  readonly image?: string | undefined;
  readonly runtime?: { readonly name?: string | undefined } | undefined;
  readonly labels?: Labels | undefined;
}
export const containerAdaptor = fields<FilterableContainer>({
  id: text((c) => c.id),
  image: text((c) => c.image),
  "runtime.name": text((c) => c.runtime?.name),
  labels: map((c) => c.labels),
});

export interface FilterableImage {
  readonly name: string;
  readonly target?: { readonly digest?: string | undefined; readonly mediatype?: string | undefined } | undefined;
  readonly labels?: Labels | undefined;
  /** Those of the target's descriptor. */
  readonly annotations?: Labels | undefined;
}
export const imageAdaptor = fields<FilterableImage>({
  name: text((i) => i.name),
  "target.digest": text((i) => i.target?.digest),
  "target.mediatype": text((i) => i.target?.mediatype),
  labels: map((i) => i.labels),
  annotations: map((i) => i.annotations),
});

export interface FilterableSnapshot {
  readonly kind: string;
  readonly name: string;
  readonly parent?: string | undefined;
  readonly labels?: Labels | undefined;
}
export const snapshotAdaptor = fields<FilterableSnapshot>({
  kind: text((s) => s.kind, "always"),
  name: text((s) => s.name, "always"),
  parent: text((s) => s.parent, "always"),
  labels: map((s) => s.labels),
});

export interface FilterableContent {
  readonly digest: string;
  readonly labels?: Labels | undefined;
}
export const contentAdaptor = fields<FilterableContent>({
  digest: text((c) => c.digest, "always"),
  labels: map((c) => c.labels),
});

export const ingestAdaptor = fields<{ readonly ref: string }>({ ref: text((i) => i.ref, "always") });

export interface FilterableThing {
  readonly id: string;
  readonly labels?: Labels | undefined;
}
export const leaseAdaptor = fields<FilterableThing>({ id: text((l) => l.id), labels: map((l) => l.labels) });
export const sandboxAdaptor = fields<FilterableThing>({
  id: text((s) => s.id, "always"),
  labels: map((s) => s.labels),
});

export const pluginAdaptor = fields<{ readonly type: string; readonly id: string }>({
  type: text((p) => p.type),
  id: text((p) => p.id),
});
