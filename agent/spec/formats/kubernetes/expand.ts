import type { SpecPath } from "../../problem.ts";
import type { Report } from "../format.ts";

/** Longest argument or variable a Linux process can be started with, in bytes (MAX_ARG_STRLEN). */
const MAX_LENGTH = 128 * 1024;

/**
 * `$(NAME)` by the container's variables; what is unknown stays, `$$` is a dollar sign (container-specs.md 5). Complains
 * about what gets longer than a process can take: variables of variables double quickly.
 */
export function expand(
  text: string,
  variables: Readonly<Record<string, string>>,
  path: SpecPath,
  report: Report,
): string {
  let result = "";
  let done = 0;
  for (const found of text.matchAll(/\$(?:\$|\(([^()]*)\))/g)) {
    const [whole, name] = found;
    const known = name !== undefined && Object.hasOwn(variables, name) ? variables[name] : undefined;
    result += text.slice(done, found.index) + (name === undefined ? "$" : (known ?? whole));
    done = found.index + whole.length;
    if (result.length > MAX_LENGTH) break;
  }
  result += text.slice(done);
  if (result.length <= MAX_LENGTH) return result;
  report.complain(path, "is longer than the 128 KiB a process can be given");
  return "";
}
