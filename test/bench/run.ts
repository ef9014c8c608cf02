// `npm run bench [-- NAME…]`: each bench in a process of its own, one after the other. Nothing here is a test: numbers
// depend on the machine, ratios less so. Without names all but those that take minutes.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";

const HELPERS = new Set(["run", "measure", "events-server"]);
/** Minutes, and gigabytes of disk. */
const LONG = new Set(["pull"]);

const known = readdirSync(import.meta.dirname)
  .map((file) => file.replace(/\.ts$/, ""))
  .filter((name) => !HELPERS.has(name));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  process.stderr.write(`no bench ${unknown.join(", ")}; there are ${known.join(", ")}\n`);
  process.exitCode = 2;
} else {
  for (const name of wanted.length > 0 ? wanted : known.filter((one) => !LONG.has(one))) {
    process.stdout.write(`\n== ${name}\n`);
    const file = join(import.meta.dirname, `${name}.ts`);
    const run = spawnSync(process.execPath, ["--disable-warning=ExperimentalWarning", file], { stdio: "inherit" });
    if (run.status !== 0) process.exitCode = 1;
  }
}
