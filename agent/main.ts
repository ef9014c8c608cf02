// `zonelet`: the only place that ends the process.
//
// Everything else is loaded after the look at node's version: libraries fail on an older one while they are loaded, in
// words that help nobody.
import { setFlagsFromString } from "node:v8";
import { nodeTooOld } from "./util/node-version.ts";

const tooOld = nodeTooOld();
if (tooOld !== undefined) {
  process.stderr.write(`zonelet: ${tooOld}\n`);
  process.exit(5);
}
// Chunks of a layer are small to the collector, their bytes lie outside its heap: left to itself it lets 60 MiB of dead
// ones pile up before it looks. A nursery that does not grow makes it look often; later the flag would change nothing.
setFlagsFromString("--semi-space-growth-factor=1");
const { start } = await import("./start.ts");
process.exit(await start(process));
