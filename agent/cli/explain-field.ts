// `zonelet explain spec.FIELD`: what container-spec.ts says of a field, for a terminal or for programs.
import { stringify } from "yaml";
import { AgentError } from "../errors/agent-error.ts";
import { containerSpecSchema } from "../spec/container-spec.ts";
import { findField, listFields, type NamedField } from "../spec/field-docs.ts";
import { formatData, formatTable, type OutputFormat } from "./output.ts";

/** Whether the word asks for a field instead of naming an image. */
export function asksForField(word: string | undefined): word is string {
  return word === "spec" || word?.startsWith("spec.") === true;
}

/** Raises USAGE for a field that does not exist, with the one that was probably meant. */
export function explainField(word: string, format: OutputFormat): string {
  const path = word.slice("spec.".length);
  if (path === "") return explainAll(format);
  const search = findField(containerSpecSchema, path);
  if (search.found === undefined) {
    const near = search.suggestion === undefined ? "" : ` (did you mean "spec.${search.suggestion}"?)`;
    throw new AgentError("USAGE", `a container spec has no field "${path}"${near}`, {
      hint: `there are ${search.known.join(", ")}`,
    });
  }
  const { found, inner } = search;
  if (format !== "table") return formatData({ ...found, fields: inner }, format);
  const lines = [
    `spec.${found.path}: ${found.type}`,
    `  ${found.means}`,
    "",
    ...row("default", found.otherwise),
    ...row("allowed", found.allowed),
    ...row("becomes", found.platform ?? "nothing of the platform's: the agent acts on it"),
    ...row(
      "example",
      stringify(nested(found.path, found.example))
        .trimEnd()
        .replaceAll("\n", `\n${" ".repeat(11)}`),
    ),
    ...(inner.length === 0
      ? []
      : ["", "fields", ...inner.map((one) => `  spec.${one.path}: ${one.type}. ${one.means}`)]),
  ];
  return `${lines.join("\n")}\n`;
}

function explainAll(format: OutputFormat): string {
  const fields = listFields(containerSpecSchema);
  if (format !== "table") return formatData(fields, format);
  const rows = fields.map((one: NamedField) => [`spec.${one.path}`, one.otherwise ?? "-", one.platform ?? "-"]);
  return formatTable(["FIELD", "DEFAULT", "BECOMES"], rows);
}

function row(name: string, text: string | undefined): string[] {
  return text === undefined ? [] : [`  ${name.padEnd(8)} ${text}`];
}

/** `log.maxSize` with a value as a person would write it. */
function nested(path: string, value: unknown): unknown {
  return path.split(".").reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
}
