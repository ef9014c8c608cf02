// Files and directories of declared containers: what apply and delete are given.
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import { fromUnknown } from "../errors/chain.ts";
import type { SpecFormat } from "../spec/formats/format.ts";
import type { SpecDocument } from "../spec/read.ts";
import type { CliContext } from "./context.ts";
import { raiseAll } from "./declared.ts";
import { formatOption, readFileDocuments } from "./spec-options.ts";

export interface FileOptions {
  readonly file: readonly string[];
  readonly recursive: boolean;
  readonly format?: SpecFormat;
}

export function addFileOptions(command: Command): Command {
  return command
    .requiredOption("-f, --file <path>", 'file of any format, directory of such, or "-" for stdin; repeatable', collect)
    .option("-R, --recursive", "also directories below", false)
    .addOption(formatOption());
}

/** Raises all problems of all files in one error. */
export async function readDeclaredFiles(context: CliContext, options: FileOptions): Promise<SpecDocument[]> {
  const problems: AgentError[] = [];
  const documents: SpecDocument[] = [];
  const signal = context.interrupts.signal;
  for (const path of options.file)
    try {
      for (const file of path === "-" ? [path] : await filesOf(path, options.recursive))
        try {
          for (const document of await readFileDocuments(context, file, options.format)) {
            const name = document.format === "container" ? document.spec.name : document.manifest.alias;
            if (name !== undefined) documents.push(document);
            else
              problems.push(
                new AgentError("SPEC_INVALID", `${file}: a declared container needs a name`, {
                  hint: "without one, every apply would make another container",
                }),
              );
          }
        } catch (error) {
          signal.throwIfAborted();
          problems.push(fromUnknown(error));
        }
    } catch (error) {
      signal.throwIfAborted();
      problems.push(fromUnknown(error));
    }
  raiseAll(problems);
  return documents;
}

/** A file as it is; of a directory the files with names of specs, sorted. Hidden ones and links to directories are passed over. */
async function filesOf(path: string, recursive: boolean): Promise<string[]> {
  const status = await stat(path).catch((error: unknown) => {
    throw new AgentError("SPEC_INVALID", `cannot read ${path}`, { cause: fromUnknown(error) });
  });
  if (!status.isDirectory()) return [path];
  const entries = (await readdir(path, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const found: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    const inner = join(path, entry.name);
    if (entry.isDirectory()) {
      if (recursive) found.push(...(await filesOf(inner, true)));
    } else if (/\.(?:ya?ml|json)$/.test(entry.name)) found.push(inner);
  }
  if (found.length === 0 && !recursive)
    throw new AgentError("SPEC_INVALID", `${path} holds no .yaml, .yml or .json file`);
  return found;
}

function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}
