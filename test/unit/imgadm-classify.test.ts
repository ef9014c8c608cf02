import { describe, expect, it } from "vitest";
import { z } from "zod";
import { inlineChain } from "../../agent/errors/chain.ts";
import { classifyImgadm, IMGADM_ROWS, matchImgadm } from "../../agent/imgadm/classify.ts";
import { diedOfJson, readImgadmError, readInstallEnding } from "../../agent/imgadm/output.ts";
import { classifiedCases, commandErrorOf } from "../support/classified-cases.ts";

const operation = z.enum(["list", "get", "install", "delete", "ancestry", "sources"]);
const files = classifiedCases("test/fixtures/imgadm");

describe.each(files)("imgadm $file", ({ cases }) => {
  it.each(cases)("$operation exit $exit -> $expected", (recorded) => {
    const error = commandErrorOf("/usr/sbin/imgadm", recorded);
    const meaning = classifyImgadm(operation.parse(recorded.operation), "install image U", error);
    expect(meaning.code).toBe(recorded.expected);
    expect(meaning.cause).toMatchObject({ outcome: { argv: error.outcome.argv, exitCode: error.outcome.exitCode } });
    expect(inlineChain(meaning)).not.toContain('"level":50');
    expect(meaning.details).toMatchObject(recorded.details ?? {});
  });
});

describe("the table of imgadm", () => {
  it.each(IMGADM_ROWS.map((row) => row.name))("has a recorded case for row: %s", (name) => {
    const proofs = files
      .flatMap((file) => file.cases)
      .filter((recorded) => {
        const said = readImgadmError(recorded.stderr);
        return said && matchImgadm(operation.parse(recorded.operation), said.code, said.message)?.row.name === name;
      });
    expect(proofs.length).toBeGreaterThan(0);
  });
});

describe("endings of install", () => {
  const uuid = "277afd54-2431-df0b-a5c8-65b351c9eff0";
  it.each([
    [`Installing image ${uuid} (docker-layer@x)\nInstalled image ${uuid} (docker-layer@x)\n`, "installed"],
    [`Image ${uuid} (docker-layer x) is already installed, skipping\n`, "present"],
    [`Image ${uuid} is already installed, skipping\n`, "present"],
    [
      `Installing image ${uuid} (a@x)\nWaiting for image ${uuid} import lock\nImage ${uuid} (a@x) was installed while waiting on lock\n`,
      "present",
    ],
    [`Installing image ${uuid} (docker-layer@x)\n`, undefined],
  ])("%j -> %s", (stdout, ending) => {
    expect(readInstallEnding(stdout)).toBe(ending);
  });
});

it("knows a crash over JSON from other crashes", () => {
  expect(diedOfJson("Uncaught SyntaxError: Unexpected end of input\n\nFROM\nObject.parse (native)\n")).toBe(true);
  expect(diedOfJson("Uncaught Error: ENXIO, open '/dev/tty'\n")).toBe(false);
});
