import { describe, expect, it } from "vitest";
import type { Dataset } from "../../../agent/labhost/datasets.ts";
import { parseArguments, UsageError } from "../../../agent/labhost/commands/zfs/arguments.ts";
import { formatColumns, niceNumber, parseSize } from "../../../agent/labhost/commands/zfs/format.ts";
import { settingComplaint } from "../../../agent/labhost/commands/zfs/properties.ts";
import { selectDatasets } from "../../../agent/labhost/commands/zfs/select.ts";

describe("numbers of zfs", () => {
  it.each([
    [0, "0"],
    [512, "512"],
    [1024, "1K"],
    [1536, "1.50K"],
    [10 * 2 ** 30, "10G"],
    [85_000_000_000, "79.2G"],
    [170_000_000_000, "158G"],
  ])("%d is %s", (bytes, text) => {
    expect(niceNumber(bytes)).toBe(text);
  });

  it.each([
    ["10g", 10 * 2 ** 30],
    ["1.5T", 1.5 * 2 ** 40],
    ["512", 512],
    ["2GB", 2 * 2 ** 30],
    ["none", 0],
    ["lots", undefined],
    ["-1g", undefined],
  ])("%s is %s bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });
});

describe("formatColumns", () => {
  const columns = [{ header: "NAME", align: "left" } as const, { header: "USED", align: "right" } as const];

  it("aligns, or separates by tabs", () => {
    const rows = [["zones/long", "1K"]];
    expect(formatColumns(columns, rows, false)).toBe("NAME        USED\nzones/long    1K\n");
    expect(formatColumns(columns, rows, true)).toBe("zones/long\t1K\n");
  });
});

describe("parseArguments", () => {
  it("reads bundles and attached values up to the first operand", () => {
    const parsed = parseArguments(["-Hp", "-oname", "-o", "x", "zones", "-r"], "Hpro:");
    expect([parsed.has("H"), parsed.has("p"), parsed.has("r")]).toEqual([true, true, false]);
    expect(parsed.values("o")).toEqual(["name", "x"]);
    expect(parsed.operands).toEqual(["zones", "-r"]);
  });

  it.each([
    [["-x"], "invalid option 'x'"],
    [["-o"], "missing argument for 'o' option"],
  ])("refuses %j", (args, message) => {
    expect(() => parseArguments(args, "Ho:")).toThrow(new UsageError(message));
  });
});

describe("settingComplaint", () => {
  it.each([
    ["quota", "10g", undefined],
    ["quota", "lots", "bad numeric value 'lots'"],
    ["used", "1", "'used' is readonly"],
    ["mountpoint", "/x", "the lab host mounts every dataset at its name"],
    ["colour", "red", "invalid property 'colour'"],
    ["imgadm:ignore", "true", undefined],
  ])("%s=%s: %s", (property, value, complaint) => {
    expect(settingComplaint(property, value)).toBe(complaint);
  });
});

describe("selectDatasets", () => {
  const dataset = (name: string): Dataset => ({
    name,
    type: name.includes("@") ? "snapshot" : "filesystem",
    properties: {},
    creation: 0,
  });
  const all = ["zones", "zones/a", "zones/a@s", "zones/a/b", "zones/a/b@t", "zones/c"].map(dataset);
  const select = (operands: readonly string[], types?: string, depth?: number): string[] =>
    selectDatasets(all, { operands, types, depth }).datasets.map(({ name }) => name);

  it.each([
    [[], undefined, undefined, ["zones", "zones/a", "zones/a/b", "zones/c"]],
    [[], "snap", undefined, ["zones/a@s", "zones/a/b@t"]],
    [["zones/a"], undefined, undefined, ["zones/a"]],
    [["zones/a@s"], undefined, undefined, ["zones/a@s"]],
    [["zones/a"], "all", Infinity, ["zones/a", "zones/a@s", "zones/a/b", "zones/a/b@t"]],
    [["zones/a"], "snapshot", undefined, ["zones/a@s"]],
    [["zones"], undefined, 1, ["zones", "zones/a", "zones/c"]],
    [["zones/c", "zones/a"], undefined, undefined, ["zones/a", "zones/c"]],
  ])("%j -t %s -d %s", (operands, types, depth, names) => {
    expect(select(operands, types, depth)).toEqual(names);
  });

  it("complains about what is not there and goes on", () => {
    expect(selectDatasets(all, { operands: ["zones/x", "zones/c"], types: undefined, depth: undefined })).toEqual({
      datasets: [dataset("zones/c")],
      complaints: ["cannot open 'zones/x': dataset does not exist"],
    });
    expect(() => select([], "fish")).toThrow(new UsageError("invalid type 'fish'"));
  });
});
