// How long hostile documents take to be refused: node test/bench/hostile-specs.ts [bytes]
import { readSpecs } from "../../agent/spec/read.ts";
import { SPEC_FORMATS } from "../../agent/spec/formats/format.ts";

const size = Number(process.argv[2] ?? 5_000_000);
const fill = (piece: string, begin = "", end = ""): string =>
  begin + piece.repeat(Math.max(1, Math.floor((size - begin.length - end.length) / piece.length))) + end;
const numbered = (line: (i: number) => string, begin = ""): string => {
  const lines = [begin];
  for (let length = 0, i = 0; length < size; i++) {
    const text = line(i);
    lines.push(text);
    length += text.length;
  }
  return lines.join("");
};

const laughs = Array.from({ length: 30 }, (_, i) =>
  i === 0 ? "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" : `a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}]\n`,
).join("");

const DOCUMENTS: Readonly<Record<string, string>> = {
  "compose with anchors": numbered(
    (i) => `  s${i}: &s${i}\n    image: nginx\n    environment: &e${i} {A: b}\n`,
    "services:\n",
  ),
  "aliases of one anchor": numbered((i) => `  s${i}: *a\n`, "x: &a {image: nginx}\nservices:\n"),
  "merge keys": numbered((i) => `  s${i}: {<<: *a}\n`, "x: &a {image: nginx}\nservices:\n"),
  "billion laughs": laughs,
  "billion laughs, padded": laughs + fill("# padding\n"),
  "flow opened": fill("["),
  "flow maps opened": fill("{a: "),
  "flow sequence": fill("1,", "a: [", "1]"),
  "flow maps": fill("{},", "a: [", "1]"),
  "nested by indentation": Array.from(
    { length: Math.floor(Math.sqrt(2 * size)) },
    (_, i) => `${" ".repeat(i)}a:\n`,
  ).join(""),
  "dashes in one line": fill("- "),
  "list of dashes": fill("-\n"),
  tags: fill("- !!str a\n"),
  "own tags": fill("- !x a\n"),
  "long key": fill("k", "", ": 1"),
  "many keys": numbered((i) => `k${i}: 1\n`),
  "one key again and again": fill("a: 1\n"),
  "explicit keys": fill("? a\n"),
  documents: fill("---\na: 1\n"),
  quoted: fill("\\x41", 'a: "', '"'),
  "block text": fill("  a\n", "a: |\n"),
  "folded text": fill("  a\n\n", "a: >\n"),
  blanks: fill(" "),
  tabs: fill("\t"),
  comments: fill("#\n"),
  colons: fill(":"),
  "JSON list": fill("[],", '{"a":[', "1]}"),
  "JSON keys": numbered((i) => `"k${i}":1,`, "{"),
  "JSON nested": fill("[", "", ""),
};

for (const [name, text] of Object.entries(DOCUMENTS)) {
  const started = performance.now();
  let told = "accepted";
  try {
    readSpecs(text, "a.yaml", { format: SPEC_FORMATS.find((f) => f === process.argv[3]) });
  } catch (error) {
    told = error instanceof Error ? (error.message.split("\n")[0] ?? "").slice(0, 70) : String(error);
  }
  const ms = Math.round(performance.now() - started);
  process.stdout.write(
    `${String(ms).padStart(6)} ms  ${name.padEnd(26)} ${Math.round(text.length / 1024)} KiB  ${told}\n`,
  );
}
