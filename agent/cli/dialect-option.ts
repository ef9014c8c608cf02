import type { Dialect } from "../docker-view/dialect.ts";
import { AgentError } from "../errors/agent-error.ts";
import { oneOf } from "./context.ts";

export const DIALECT_OPTION = [
  "--dialect <name>",
  "with -o docker: engine, or sdc as the Docker service of a Triton head node",
  oneOf<Dialect>("dialect", ["engine", "sdc"]),
  "engine",
] as const;

/** Raises USAGE where a dialect is chosen for an output that has none. */
export function checkDialect({ output, dialect }: { readonly output: string; readonly dialect: Dialect }): void {
  if (output !== "docker" && dialect !== "engine")
    throw new AgentError("USAGE", "--dialect is for -o docker only", { hint: "add -o docker" });
}
