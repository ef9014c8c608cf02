// `npm run vectors -- DIR…`: judges every vector file below the directories, of whatever kind, and tells all differences.
import { divergences } from "./divergences.ts";
import { vectorCases, type FoundCase } from "./files.ts";

const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const directories = process.argv.slice(2);
if (directories.length === 0) {
  process.stderr.write("usage: npm run vectors -- DIR...\n");
  process.exit(2);
}

let [passed, failed, differing] = [0, 0, 0];
const apart = new Map<string, number>();
const count = (what: string): unknown => apart.set(what, (apart.get(what) ?? 0) + 1);
const onPurpose = new Set(divergences().map(({ name }) => name));
for (const directory of directories) {
  let cases: FoundCase[] = [];
  try {
    cases = vectorCases(directory);
  } catch (error) {
    say(`FAIL ${error instanceof Error ? error.message : String(error)}`);
    failed++;
  }
  for (const { name, file, quirk, check, needs, without } of cases) {
    if (needs !== undefined) {
      count(`${needs} is needed to judge`);
      continue;
    }
    const differences = check();
    if (differences.length === 0) {
      passed++;
      if (without !== undefined) count(`of those passed, without ${without}`);
    } else if (quirk && onPurpose.has(name)) differing++;
    else {
      failed++;
      say(`FAIL ${file}${name === "" ? "" : `: ${name}`}${quirk ? " (quirk)" : ""}`);
      for (const { path, expected, got } of differences) {
        if (path !== "") say(`  ${path}`);
        say(`    expected ${shown(expected)}`);
        say(`    got      ${shown(got)}`);
      }
    }
  }
}
say(`${passed} passed, ${failed} failed${differing === 0 ? "" : `, ${differing} differ on purpose (manifests/README.md)`}`); // prettier-ignore
for (const [what, cases] of apart) say(`${cases} ${cases === 1 ? "case" : "cases"}: ${what}`);
process.exitCode = failed === 0 ? 0 : 1;

function shown(value: unknown): string {
  return value === undefined ? "nothing" : typeof value === "string" ? value : JSON.stringify(value);
}
