// Docker's list filters: the `filters` query parameter and how its values are compared (events-and-filters.md 7.3).
// Keys are ANDed, values of a key ORed (labels: ANDed).
import { z } from "zod";
import { AgentError } from "../errors/agent-error.ts";
import { compileExpression } from "./expression.ts";

const MapForm = z.record(z.string(), z.record(z.string(), z.boolean()));
const ListForm = z.record(z.string(), z.array(z.string()));

export class DockerFilters {
  private readonly values: ReadonlyMap<string, ReadonlyMap<string, boolean>>;

  constructor(values: ReadonlyMap<string, ReadonlyMap<string, boolean>>) {
    this.values = values;
  }

  /**
   * Reads `{"key":{"value":true}}` or the older `{"key":["value"]}`; empty text is no filter.
   * @throws AgentError FILTER_INVALID with Docker's `invalid filter`
   */
  static parse(json: string): DockerFilters {
    if (json === "") return new DockerFilters(new Map());
    let value: unknown;
    try {
      value = JSON.parse(json);
    } catch {
      throw new AgentError("FILTER_INVALID", "invalid filter");
    }
    const asMap = MapForm.safeParse(value);
    if (asMap.success) return fromEntries(Object.entries(asMap.data).map(([k, v]) => [k, Object.entries(v)]));
    const asList = ListForm.safeParse(value);
    if (asList.success)
      return fromEntries(Object.entries(asList.data).map(([k, v]) => [k, v.map((text) => [text, true])]));
    throw new AgentError("FILTER_INVALID", "invalid filter");
  }

  /** `--filter KEY=VALUE` as the docker command takes it, any number of times. */
  static fromOptions(options: readonly string[]): DockerFilters {
    const values = new Map<string, Map<string, boolean>>();
    for (const option of options) {
      const equals = option.indexOf("=");
      if (equals < 0)
        throw new AgentError("FILTER_INVALID", `invalid argument "${option}" for a filter`, {
          hint: "bad format of filter (expected name=value)",
        });
      const key = option.slice(0, equals).trim().toLowerCase();
      const value = option.slice(equals + 1).trim();
      values.set(key, (values.get(key) ?? new Map<string, boolean>()).set(value, true));
    }
    return new DockerFilters(values);
  }

  keys(): readonly string[] {
    return [...this.values.keys()];
  }

  /** The values given for a key. */
  get(key: string): readonly string[] {
    return [...(this.values.get(key)?.keys() ?? [])];
  }

  /** One of the values equals `text`; a key without values restricts nothing, a value given as `false` never equals. */
  equals(key: string, text: string): boolean {
    const values = this.values.get(key);
    return values === undefined || values.size === 0 || values.get(text) === true;
  }

  /** As {@link equals}, or one of the values is a prefix of `text`. */
  startsWith(key: string, text: string): boolean {
    return this.equals(key, text) || this.get(key).some((value) => text.startsWith(value));
  }

  /** As {@link equals}, or one of the values is an expression found in one of the texts; bad expressions are skipped. */
  matches(key: string): (texts: readonly string[]) => boolean {
    const expressions = this.get(key).map((value) => compileExpression(value));
    return (texts) =>
      texts.some((text) => this.equals(key, text)) || expressions.some((found) => texts.some((text) => found(text)));
  }

  /** Every value, `k` or `k=v`, holds among the labels. */
  holdsLabels(key: string, labels: Readonly<Record<string, string>>): boolean {
    return this.get(key).every((value) => {
      const equals = value.indexOf("=");
      const name = equals < 0 ? value : value.slice(0, equals);
      if (!Object.hasOwn(labels, name)) return false;
      return equals < 0 || labels[name] === value.slice(equals + 1);
    });
  }
}

function fromEntries(entries: readonly (readonly [string, readonly (readonly [string, boolean])[]])[]): DockerFilters {
  return new DockerFilters(new Map(entries.map(([key, values]) => [key, new Map(values)])));
}
