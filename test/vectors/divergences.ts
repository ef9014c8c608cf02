// The quirks of the predecessor we do not share: rows of a table in manifests/README.md, told by the case's name.
import { readFileSync } from "node:fs";

const README = new URL("../../manifests/README.md", import.meta.url);
const TABLE = /<!-- divergences -->([^]*?)<!-- end of divergences -->/;

export interface Divergence {
  readonly name: string;
  readonly predecessor: string;
  readonly ours: string;
  readonly why: string;
}

export function divergences(text = readFileSync(README, "utf8")): Divergence[] {
  const table = TABLE.exec(text)?.[1];
  if (table === undefined) throw new Error("manifests/README.md: no table between the marks of divergences");
  return [...table.matchAll(/^\| `([a-z0-9.-]+)`[^|]*\|([^|]*)\|([^|]*)\|([^|]*)\|$/gm)].map((row) => {
    const [name = "", predecessor = "", ours = "", why = ""] = row.slice(1).map((cell) => cell.trim());
    return { name, predecessor, ours, why };
  });
}
