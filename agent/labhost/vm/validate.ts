// Payload validation (vmadm.md 5): pure; what the machine knows (images, pools) comes in as `PayloadWorld`.
import { isIP } from "node:net";
import { accepts, brandFeatures, nestedRuleFor, ruleFor, PROPERTIES, type PropertyRule } from "./properties.ts";
import type { Payload } from "./json-text.ts";

export interface PayloadWorld {
  readonly zpools: readonly string[];
  /** `manifest.type` of an installed image; undefined when `imgadm get` would fail. */
  imageType(uuid: string): string | undefined;
}

export interface ValidationResult {
  readonly bad_values: string[];
  readonly bad_properties: string[];
  readonly missing_properties: string[];
}

/** The action words of `validate`; an unknown one makes every key a bad property. */
export type ValidateAction = "create" | "receive" | "update";

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const BOOLEAN_FORMS: ReadonlySet<unknown> = new Set([true, false, "true", "false", 1, "1"]);
const NESTED_IN: Readonly<Record<string, { readonly family: string; readonly action: "a" | "u" }>> = {
  nics: { family: "nics", action: "a" },
  add_nics: { family: "nics", action: "a" },
  update_nics: { family: "nics", action: "u" },
  filesystems: { family: "filesystems", action: "a" },
  add_filesystems: { family: "filesystems", action: "a" },
  update_filesystems: { family: "filesystems", action: "u" },
  disks: { family: "disks", action: "a" },
  add_disks: { family: "disks", action: "a" },
  update_disks: { family: "disks", action: "u" },
};

/** undefined when the brand itself is unknown. Each key is reported once a list, nested ones without their index. */
export function validatePayload(
  payload: Payload,
  brand: string,
  action: string,
  world: PayloadWorld,
): ValidationResult | undefined {
  const features = brandFeatures(brand);
  if (!features) return undefined;
  const letter = actionLetter(action);
  const badValues = new Set<string>();
  const badProperties = new Set<string>();
  for (const [key, value] of Object.entries(payload)) {
    const rule = ruleFor(key);
    if (!rule || letter === undefined || !accepts(rule, brand, letter)) badProperties.add(key);
    if (!rule) continue;
    if (!isGoodValue(rule, value, world)) badValues.add(key);
    else if (rule.type === "object-array") checkNested(key, value, brand, badValues, badProperties);
  }
  const image = payload["image_uuid"];
  if (letter === "c" && typeof image === "string" && UUID.test(image)) {
    const type = world.imageType(image);
    if (type === undefined || !features.imageTypes.includes(type)) badValues.add("image_uuid");
  }
  const missing = Object.entries(PROPERTIES)
    .filter(([key, rule]) => letter !== undefined && requiredFor(rule, brand, letter) && isBlank(payload[key]))
    .map(([key]) => key);
  return { bad_values: [...badValues], bad_properties: [...badProperties], missing_properties: missing };
}

function actionLetter(action: string): "c" | "r" | "u" | undefined {
  if (action === "create") return "c";
  if (action === "receive") return "r";
  return action === "update" ? "u" : undefined;
}

function requiredFor(rule: PropertyRule, brand: string, letter: string): boolean {
  const required = rule.required;
  return required !== undefined && Object.hasOwn(required, brand) && (required[brand] ?? "").includes(letter);
}

function checkNested(key: string, value: unknown, brand: string, bad: Set<string>, unknown: Set<string>): void {
  const nested = NESTED_IN[key];
  if (!nested) return;
  const label = nested.family === "disks" ? "disks.0" : `${nested.family}.*`;
  for (const element of value as readonly Payload[]) {
    for (const [name, field] of Object.entries(element)) {
      const rule = nestedRuleFor(`${nested.family}.*.${name}`);
      if (!rule || !accepts(rule, brand, nested.action)) unknown.add(`${label}.${name}`);
      if (rule && !isGoodValue(rule, field, undefined)) bad.add(`${label}.${name}`);
    }
  }
}

export function isBlank(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === "string" && value.trim() === "");
}

function isGoodValue(rule: PropertyRule, value: unknown, world: PayloadWorld | undefined): boolean {
  switch (rule.type) {
    case "uuid":
      return typeof value === "string" && UUID.test(value);
    case "boolean":
      return BOOLEAN_FORMS.has(value);
    case "string":
      if (isBlank(value)) return true;
      return typeof value === "string" && isGoodItem(rule, value);
    case "integer":
      return isBlank(value) || isGoodInteger(rule, value);
    case "list":
      return isGoodList(rule, value);
    case "flat-object":
      return isFlatObject(value);
    case "object-array":
      return Array.isArray(value) && value.every((v) => typeof v === "object" && v !== null && !Array.isArray(v));
    case "zpool":
      return typeof value === "string" && (world?.zpools.includes(value) ?? false);
  }
}

function isGoodInteger(rule: PropertyRule, value: unknown): boolean {
  if (typeof value !== "number" && typeof value !== "string") return false;
  const number = Number(value);
  if (!Number.isInteger(number)) return false;
  return number >= (rule.min ?? -Infinity) && number <= (rule.max ?? Infinity);
}

function isGoodList(rule: PropertyRule, value: unknown): boolean {
  if (isBlank(value)) return true;
  if (typeof value === "string") return splitList(value).every((item) => isGoodItem(rule, item));
  if (!Array.isArray(value)) return false;
  return value.every((item: unknown) => {
    if (typeof item !== "string" && typeof item !== "number") return false;
    const text = String(item);
    return !text.includes(",") && isGoodItem(rule, text);
  });
}

/** Comma text to items; empty ones are dropped. */
export function splitList(text: string): string[] {
  return text.split(",").filter((item) => item !== "");
}

export function isFlatObject(value: unknown): value is Record<string, string | number | boolean> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((v) => ["string", "number", "boolean"].includes(typeof v));
}

function isGoodItem({ validator }: PropertyRule, item: string): boolean {
  if (validator === undefined) return true;
  switch (validator) {
    case "validResolver":
      return isIP(item) !== 0;
    case "validAttrValue":
      return /^[a-zA-Z0-9\-._]+$/.test(item);
    case "validMacAddress":
      return /^([0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2}$/.test(item);
    case "validCID":
      return /^0x([0-9a-fA-F]{2})+$/.test(item) && item.length <= 512;
  }
}

/** What create and update do with bad properties: drop them, nested ones too. */
export function dropBadProperties(payload: Payload, brand: string, letter: "c" | "u"): Payload {
  const kept: Payload = {};
  for (const [key, value] of Object.entries(payload)) {
    const rule = ruleFor(key);
    if (!rule || !accepts(rule, brand, letter)) continue;
    const nested = NESTED_IN[key];
    kept[key] =
      nested && Array.isArray(value)
        ? value.map((element) => dropNested(element as Payload, nested.family, nested.action, brand))
        : value;
  }
  return kept;
}

function dropNested(element: Payload, family: string, action: string, brand: string): Payload {
  const entries = Object.entries(element).filter(([name]) => {
    const rule = nestedRuleFor(`${family}.*.${name}`);
    return rule !== undefined && accepts(rule, brand, action);
  });
  return Object.fromEntries(entries);
}
