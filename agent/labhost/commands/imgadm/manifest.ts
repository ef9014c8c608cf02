// The rules imgadm's `install` holds a manifest to (imgadm.md 5).
import { readFile } from "node:fs/promises";
import { PLATFORM_STAMP } from "../../lab.ts";
import { ImgadmError } from "./errors.ts";
import { UUID, type Manifest } from "./state.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Reads and upgrades a manifest: `InvalidManifest` for what is no manifest at all. */
export async function readManifest(path: string): Promise<Fields> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
  if (typeof value !== "object" || value === null || !("v" in value)) {
    if (typeof value === "object" && value !== null && "creator_uuid" in value) return upgrade({ ...value });
    throw invalid('manifest does not have a "v" field');
  }
  return value;
}

function invalid(why: string): ImgadmError {
  return new ImgadmError("InvalidManifest", `manifest is invalid: ${why}`);
}

/** Manifests of version 1 have a `creator_uuid` and no `v`. */
function upgrade(old: Fields): Fields {
  const renamed: Fields = { creator_uuid: "owner", created_at: "published_at", creator_name: undefined };
  const entries = Object.entries(old).flatMap(([field, value]) => {
    const name = field in renamed ? renamed[field] : field;
    return typeof name === "string" ? [[name, value] as const] : [];
  });
  return { v: 2, ...Object.fromEntries(entries) };
}

const DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{3})?Z$/;
const STAMP = /^\d{8}T\d{6}Z$/;
const TAGS_LIMIT = 102_400;
const ZVOL_FIELDS = ["nic_driver", "disk_driver", "cpu_type", "image_size"];
const REQUIREMENTS = ["networks", "brand", "ssh_key", "min_ram", "max_ram", "min_platform", "max_platform", "bootrom"];

const isUuid = (value: unknown): boolean => typeof value === "string" && UUID.test(value);
const isText = (limit: number, form?: RegExp) => (value: unknown) =>
  typeof value === "string" && value.length <= limit && (form?.test(value) ?? true);
const isOneOf =
  (...values: readonly unknown[]) =>
  (value: unknown) =>
    values.includes(value);
const isFlag = isOneOf(true, false, "true", "false");
const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isUrl = (value: unknown): boolean => isText(1024, /^https?:\/\//)(value);

/** Field -> is it right? The order is that of the complaints. */
const RULES: Readonly<Record<string, (value: unknown) => boolean>> = {
  v: (value) => typeof value === "number" && value >= 0,
  uuid: isUuid,
  owner: isUuid,
  name: isText(1024, /^[A-Za-z0-9._/ -]+$/),
  version: isText(512, /^[A-Za-z0-9._/+-]+$/),
  description: isText(10_240),
  homepage: isUrl,
  eula: isUrl,
  icon: isFlag,
  state: isOneOf("active", "unactivated", "disabled", "failed", "creating"),
  error: isObject,
  disabled: isFlag,
  activated: isFlag,
  public: isFlag,
  published_at: isText(64, DATE),
  type: isOneOf("zone-dataset", "lx-dataset", "zvol", "docker", "other"),
  os: isOneOf("smartos", "linux", "windows", "bsd", "illumos", "other"),
  origin: isUuid,
  acl: (value) => Array.isArray(value) && value.every(isUuid),
  files: (value) => Array.isArray(value) && value.length <= 1 && value.every(isFile),
  requirements: isObject,
  tags: (value) => isObject(value) && JSON.stringify(value).length <= TAGS_LIMIT,
  traits: isObject,
  users: Array.isArray,
  billing_tags: Array.isArray,
  inherited_directories: Array.isArray,
  generate_passwords: isFlag,
  urn: isText(1024),
  nic_driver: isText(64),
  disk_driver: isText(64),
  cpu_type: isText(64),
  image_size: (value) => typeof value === "number" && value > 0,
};

function isFile(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { sha1, size, compression } = value;
  return (
    typeof sha1 === "string" &&
    sha1 !== "" &&
    typeof size === "number" &&
    size > 0 &&
    isOneOf("gzip", "bzip2", "xz", "none")(compression)
  );
}

/** `ManifestValidation` naming every wrong field; a field imgadm does not know is wrong, and so is a null. */
export function validateManifest(fields: Fields): Manifest {
  const complaints: string[] = [];
  for (const required of ["v", "uuid", "name", "version", "type", "os"])
    if (fields[required] === undefined) complaints.push(`${required} (MissingParameter)`);
  for (const [field, rule] of Object.entries(RULES))
    if (fields[field] !== undefined && !rule(fields[field])) complaints.push(field);
  for (const field of Object.keys(fields)) if (!(field in RULES)) complaints.push(field);
  const zvol = fields["type"] === "zvol";
  for (const field of ZVOL_FIELDS) {
    if (zvol && fields[field] === undefined) complaints.push(`${field} (MissingParameter)`);
    if (!zvol && fields[field] !== undefined) complaints.push(field);
  }
  if (isObject(fields["requirements"])) complaints.push(...requirementComplaints(fields["requirements"]));
  const activated = fields["activated"] === true || fields["activated"] === "true";
  for (const field of ["published_at", "files"])
    if (activated && fields[field] === undefined) complaints.push(`${field} (MissingParameter)`);
  if (complaints.length > 0)
    throw new ImgadmError("ManifestValidation", `invalid manifest: ${[...new Set(complaints)].join(", ")}`);
  return fields as Manifest;
}

function requirementComplaints(requirements: Fields): string[] {
  return Object.entries(requirements).flatMap(([name, value]) => {
    if (!REQUIREMENTS.includes(name)) return [`${name} (unsupported requirement "${name}")`];
    const right = {
      networks: Array.isArray,
      brand: isText(64),
      bootrom: isText(64),
      ssh_key: isFlag,
      min_ram: Number.isInteger,
      max_ram: Number.isInteger,
      min_platform: isPlatformMap,
      max_platform: isPlatformMap,
    }[name];
    return right?.(value) === true ? [] : [`requirements.${name}`];
  });
}

function isPlatformMap(value: unknown): boolean {
  return isObject(value) && Object.values(value).every((stamp) => typeof stamp === "string" && STAMP.test(stamp));
}

const SDC_VERSION = "7.0";

/** `MinPlatform` or `MaxPlatform`; versions and stamps are compared as texts. */
export function checkPlatform(fields: Fields, stamp = PLATFORM_STAMP): void {
  const requirements = isObject(fields["requirements"]) ? fields["requirements"] : {};
  const check = (key: "min_platform" | "max_platform", code: string, fails: (spec: Fields) => boolean): void => {
    const spec = requirements[key];
    if (!isObject(spec) || !fails(spec)) return;
    throw new ImgadmError(
      code,
      `current platform version, ${SDC_VERSION}/${stamp}, does not satisfy requirements.${key}=${JSON.stringify(spec)}`,
    );
  };
  check("min_platform", "MinPlatform", (spec) => {
    const wanted = spec[SDC_VERSION];
    const lowest = Object.keys(spec).sort()[0];
    return typeof wanted === "string" ? stamp < wanted : lowest !== undefined && SDC_VERSION < lowest;
  });
  check("max_platform", "MaxPlatform", (spec) => {
    const wanted = spec[SDC_VERSION];
    const highest = Object.keys(spec).sort().at(-1);
    return typeof wanted === "string" ? stamp > wanted : highest !== undefined && SDC_VERSION > highest;
  });
}
