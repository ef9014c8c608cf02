import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { FAILPOINTS } from "../../../agent/labhost/failpoint-names.ts";
import { FailpointError, parseFailpoints } from "../../../agent/labhost/failpoints.ts";

const LABHOST = join(import.meta.dirname, "../../../agent/labhost");
const counts = mkdtempSync(join(tmpdir(), "zl-fp-"));
afterEach(() => rmSync(counts, { recursive: true, force: true }));

/** A pattern for each place the code hits; `${…}` stands for one word. */
function placesInCode(): RegExp[] {
  const sources = readdirSync(LABHOST, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
  return sources.flatMap((name) => {
    const text = readFileSync(join(LABHOST, name), "utf8");
    const literals = text.matchAll(/\bhit\((host, )?["`]([^"`]+)["`]\)/g);
    return [...literals]
      .map(([, viaVmadm, place = ""]) => (viaVmadm === undefined ? place : `vmadm.${place}`))
      .filter((place) => place !== "vmadm.${place}")
      .map((place) => new RegExp(`^${place.replaceAll(/\$\{\w+\}/g, "[a-z-]+").replaceAll(".", "\\.")}$`));
  });
}

describe("the table of places", () => {
  const code = placesInCode();

  test.each([...FAILPOINTS])("%s is hit somewhere", (point) => {
    expect(code.some((place) => place.test(point))).toBe(true);
  });

  test("holds every place the code hits", () => {
    expect(code.length).toBeGreaterThan(40);
    for (const place of code)
      expect(
        [...FAILPOINTS].some((point) => place.test(point)),
        String(place),
      ).toBe(true);
  });

  test("is the README's", () => {
    const readme = readFileSync(join(LABHOST, "README.md"), "utf8");
    const rows = [...readme.matchAll(/^\| `((?:vmadm|imgadm|zfs|zpool|zoneadm)\.[^`]+)` *\|(.*)\|$/gm)];
    const named = rows.flatMap(([, prefix = "", places = ""]) => {
      const words = [...places.matchAll(/`([a-z-]+)`/g)].map(([, word = ""]) => word);
      return words.map((word) => prefix.replace("*", word));
    });
    expect(named.sort()).toEqual([...FAILPOINTS].sort());
  });
});

describe("terms", () => {
  test("are worked off in order, counted over processes", async () => {
    const open = (): ReturnType<typeof parseFailpoints> =>
      parseFailpoints("vmadm.get.begin=2*error(no luck)->1*off->error", counts);
    for (const expected of ["no luck", "no luck", undefined, "failpoint vmadm.get.begin"]) {
      const outcome = await open()
        .hit("vmadm.get.begin")
        .catch((error: unknown) => error);
      if (expected === undefined) expect(outcome).toBeUndefined();
      else expect(outcome).toEqual(new FailpointError(expected));
    }
    await open().hit("vmadm.get.end");
  });

  test.each([
    ["vmadm.get.begin", 'no "=" in "vmadm.get.begin"'],
    ["vmadm.get.begni=error", 'no place "vmadm.get.begni"; did you mean "vmadm.get.begin"?'],
    ["vmadm.get.begin=explode", 'unknown action in "explode"'],
    ["vmadm.get.begin=x*error", 'cannot read "x*error"'],
    ["vmadm.get.begin=delay(soon)", '"delay(soon)" needs a number in its parentheses'],
    ["vmadm.get.begin=exit", '"exit" needs a number in its parentheses'],
  ])("%s is refused", (text, problem) => {
    expect(() => parseFailpoints(text, counts)).toThrow(`LABHOST_FAILPOINTS: ${problem}`);
  });
});
