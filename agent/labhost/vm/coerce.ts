// Text to numbers, lists and booleans, as create and update do it (vmadm.md 3.1 step 3, 5).
import { ruleFor, nestedRuleFor } from "./properties.ts";
import { isBlank, splitList } from "./validate.ts";
import type { Payload } from "./json-text.ts";
import { VmError } from "./vm-error.ts";

/** Integer keys become numbers; a text that is none is refused before anything else is looked at. */
export function coerceIntegers(payload: Payload): void {
  for (const [key, value] of Object.entries(payload)) {
    if (ruleFor(key)?.type !== "integer" || isBlank(value) || typeof value === "boolean") continue;
    const number = Number(value);
    if (Number.isNaN(number)) throw new VmError(`Invalid value for ${key}: null:number`);
    payload[key] = number;
  }
}

/** Comma text in list keys, also of nics and filesystems, becomes an array. */
export function coerceLists(payload: Payload): void {
  for (const [key, value] of Object.entries(payload)) {
    const rule = ruleFor(key);
    if (rule?.type === "list" && typeof value === "string") payload[key] = splitList(value);
    if (rule?.type === "object-array" && Array.isArray(value)) {
      const family = key.replace(/^(add|update)_/, "");
      payload[key] = value.map((element: unknown) => coerceElement(family, element));
    }
  }
}

function coerceElement(family: string, element: unknown): unknown {
  if (typeof element !== "object" || element === null || Array.isArray(element)) return element;
  const copy: Payload = { ...(element as Payload) };
  for (const [name, value] of Object.entries(copy)) {
    const rule = nestedRuleFor(`${family}.*.${name}`);
    if (rule?.type === "list" && typeof value === "string") copy[name] = splitList(value);
    if (rule?.type === "integer" && typeof value === "string" && !isBlank(value)) {
      const number = Number(value);
      if (!Number.isNaN(number)) copy[name] = number;
    }
  }
  return copy;
}

/** After validation: "true", 1 and their like become booleans. */
export function coerceBooleans(payload: Payload): void {
  for (const [key, value] of Object.entries(payload)) {
    const rule = ruleFor(key);
    if (rule?.type === "boolean") payload[key] = isTrue(value);
    if (rule?.type === "object-array" && Array.isArray(value)) {
      const family = key.replace(/^(add|update)_/, "");
      for (const element of value as Payload[]) coerceNestedBooleans(family, element);
    }
  }
}

function coerceNestedBooleans(family: string, element: Payload): void {
  for (const [name, value] of Object.entries(element))
    if (nestedRuleFor(`${family}.*.${name}`)?.type === "boolean") element[name] = isTrue(value);
}

export function isTrue(value: unknown): boolean {
  return value === true || value === "true" || value === 1 || value === "1";
}
