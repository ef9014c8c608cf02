// Names of containers made from documents whose own names follow other rules.
import { createHash } from "node:crypto";
import { basename, extname } from "node:path";
import type { Given } from "../formats/format.ts";
import type { NeutralApp, NeutralDocument } from "../neutral.ts";

const MAX_LENGTH = 63;
const DIGEST_LENGTH = 8;

/** The document's own name, else that of the directory it stands in (Compose's rule), else of its file. */
export function groupName(document: NeutralDocument, file: string, { project }: Given): string {
  return asName(document.name ?? "") ?? asName(project ?? "") ?? asName(basename(file, extname(file))) ?? "group";
}

/**
 * `<group>-<app>`; the group's name alone for a pod of one app, the app's alone where the format knows no group. Undefined
 * when the document names nothing: then a readable name is made up.
 */
export function containerName(document: NeutralDocument, app: NeutralApp, group: string): string | undefined {
  if (app.containerName !== undefined) return app.containerName;
  const own = asName(app.name ?? "");
  if (document.format === "oci-runtime") return undefined;
  if (document.format !== "compose" && document.apps.length === 1)
    return document.name === null ? own : asName(document.name);
  return own === undefined ? undefined : asName(`${group}-${own}`);
}

/** What is no letter or digit becomes a hyphen; what is too long ends in a digest, so that two of them stay two. */
function asName(text: string): string | undefined {
  const plain = text.replace(/[^a-zA-Z0-9_.-]+/g, "-").replace(/^[^a-zA-Z0-9]+/, "");
  if (plain === "") return undefined;
  if (plain.length <= MAX_LENGTH) return plain;
  const digest = createHash("sha256").update(text).digest("hex").slice(0, DIGEST_LENGTH);
  return `${plain.slice(0, MAX_LENGTH - DIGEST_LENGTH - 1)}-${digest}`;
}
