// How to call ourselves again: from the sources (node runs them as they are) or from the bundle.
import { fileURLToPath } from "node:url";

const self = fileURLToPath(import.meta.url);

/** The file to give node: main.ts beside us, or the bundle we are part of. */
export const programFile: string = self.endsWith(".ts") ? fileURLToPath(new URL("./main.ts", import.meta.url)) : self;

/** argv of a further instance of this program. */
export function programCommand(...args: string[]): readonly [string, ...string[]] {
  return [process.execPath, "--disable-warning=ExperimentalWarning", programFile, ...args];
}
