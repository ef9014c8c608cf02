// internal_metadata of a raw manifest. Text is kept byte for byte; only what would surely fail at boot, or be read
// differently by vmadm and dockerinit, is refused (dockerinit.md 1.1, 2).
import { rawFlatObject } from "./raw-fields.ts";

const STRING_LISTS = [
  "docker:entrypoint",
  "docker:cmd",
  "docker:env",
  "docker:linkEnv",
  "docker:dnssearch",
  "docker:extraHosts",
];
const OBJECTS = ["docker:logconfig"];
const KNOWN_MARKS = [
  "zonelet:version",
  "zonelet:digest",
  "zonelet:image",
  "zonelet:stop_signal",
  "zonelet:stop_timeout",
  "zonelet:autoremove",
  "zonelet:health",
  "zonelet:group",
  "zonelet:group_order",
];

export const rawMetadata = rawFlatObject.check(({ value, issues }) => {
  const complain = (key: string, message: string): void => {
    issues.push({ code: "custom", input: value[key], path: [key], message });
  };
  for (const [key, inner] of Object.entries(value)) {
    if (key.startsWith("sdc:")) complain(key, "keys beginning with sdc: belong to the platform");
    if (key.startsWith("zonelet:") && !KNOWN_MARKS.includes(key)) complain(key, "is not a mark this agent knows");
    if (STRING_LISTS.includes(key) && !isStringList(inner))
      complain(key, `must be a JSON list of strings in a string, such as "[\\"sh\\"]"`);
    if (OBJECTS.includes(key) && !isJsonObject(inner)) complain(key, "must be a JSON object in a string");
  }
  const id = value["docker:id"];
  if (id !== undefined && !(typeof id === "string" && /^[0-9a-f]{64}$/.test(id)))
    complain("docker:id", "must be 64 hex digits in lower case");
});

function isStringList(value: string | number | boolean): boolean {
  const parsed = parseJson(value);
  return Array.isArray(parsed) && parsed.every((item) => typeof item === "string");
}

function isJsonObject(value: string | number | boolean): boolean {
  const parsed = parseJson(value);
  return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
}

function parseJson(value: string | number | boolean): unknown {
  if (typeof value !== "string") return undefined;
  try {
    const parsed: unknown = JSON.parse(value);
    return parsed;
  } catch {
    return undefined;
  }
}
