// `changes[]` of a modify event (vmadm.md 12); pure.
import { isObject } from "../plain-object.ts";
import type { Payload } from "./json-text.ts";

export interface Change {
  readonly prettyPath: string;
  readonly path: readonly (string | null)[];
  readonly action: "added" | "removed" | "changed";
  readonly oldValue?: unknown;
  readonly newValue?: unknown;
  /** mac of a nic, path of a disk. */
  readonly ident?: string;
}

/** Arrays whose elements are told apart by a key of theirs. */
const IDENTIFIED: Readonly<Record<string, string>> = { nics: "mac", disks: "path" };

export function diffVms(before: Payload, after: Payload): Change[] {
  return diffObjects(before, after, []);
}

function diffObjects(before: Payload, after: Payload, path: readonly (string | null)[], ident?: string): Change[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) => diffValues(before[key], after[key], [...path, key], ident));
}

function diffValues(before: unknown, after: unknown, path: readonly (string | null)[], ident?: string): Change[] {
  if (JSON.stringify(before) === JSON.stringify(after)) return [];
  if (before === undefined) return [change(path, "added", { newValue: after }, ident)];
  if (after === undefined) return [change(path, "removed", { oldValue: before }, ident)];
  if (Array.isArray(before) && Array.isArray(after)) return diffArrays(before, after, path, ident);
  if (isObject(before) && isObject(after)) return diffObjects(before, after, path, ident);
  return [change(path, "changed", { oldValue: before, newValue: after }, ident)];
}

function diffArrays(
  before: readonly unknown[],
  after: readonly unknown[],
  path: readonly (string | null)[],
  ident: string | undefined,
): Change[] {
  const inside = [...path, null];
  const key = path.length === 1 ? IDENTIFIED[path[0] ?? ""] : undefined;
  if (key !== undefined) return diffIdentified(before as Payload[], after as Payload[], inside, key);
  const texts = (list: readonly unknown[]): string[] => list.map((element) => JSON.stringify(element));
  const [old, now] = [texts(before), texts(after)];
  return [
    ...before
      .filter((_, index) => !now.includes(old[index] ?? ""))
      .map((oldValue) => change(inside, "removed", { oldValue }, ident)),
    ...after
      .filter((_, index) => !old.includes(now[index] ?? ""))
      .map((newValue) => change(inside, "added", { newValue }, ident)),
  ];
}

function diffIdentified(
  before: readonly Payload[],
  after: readonly Payload[],
  path: readonly (string | null)[],
  key: string,
): Change[] {
  const find = (list: readonly Payload[], id: unknown): Payload | undefined => list.find((e) => e[key] === id);
  const ids = [...new Set([...before, ...after].map((element) => element[key]))];
  return ids.flatMap((id) => {
    const [old, now] = [find(before, id), find(after, id)];
    const ident = String(id);
    if (!old) return [change(path, "added", { newValue: now }, ident)];
    if (!now) return [change(path, "removed", { oldValue: old }, ident)];
    return diffObjects(old, now, path, ident);
  });
}

function change(
  path: readonly (string | null)[],
  action: Change["action"],
  values: { readonly oldValue?: unknown; readonly newValue?: unknown },
  ident: string | undefined,
): Change {
  return { prettyPath: prettyPath(path), path, action, ...values, ...(ident === undefined ? {} : { ident }) };
}

/** `nics.*.ip`, `tags[com.example]`. */
export function prettyPath(path: readonly (string | null)[]): string {
  return path.reduce<string>((text, part) => {
    if (part === null) return `${text}.*`;
    if (/[.[\]]/.test(part)) return `${text}[${part.replace(/[[\]]/g, "\\$&")}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}
