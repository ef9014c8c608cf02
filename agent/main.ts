// `zonelet`: the only place that ends the process.
//
// Everything else is loaded after the look at node's version: libraries fail on an older one while they are loaded, in
// words that help nobody.
import { nodeTooOld } from "./util/node-version.ts";

const tooOld = nodeTooOld();
if (tooOld !== undefined) {
  process.stderr.write(`zonelet: ${tooOld}\n`);
  process.exit(5);
}
const { start } = await import("./start.ts");
process.exit(await start(process));
