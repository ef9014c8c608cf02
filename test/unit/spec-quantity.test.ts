import { expect, test } from "vitest";
import { parseCoresQuantity, parseQuantity } from "../../agent/spec/formats/quantity.ts";

test.each([
  ["0", 0],
  ["128", 128],
  ["1k", 1000],
  ["1Ki", 1024],
  ["1.5Gi", 1_610_612_736],
  ["1G", 1_000_000_000],
  ["129e6", 129_000_000],
  ["129E6", 129_000_000],
  ["1E", undefined],
  ["5e-1", 1],
  ["1E1", 10],
  ["1.0001", 2],
  ["100m", 1],
  ["1500m", 2],
  [".5", 1],
  ["3.", 3],
  ["-1", -1],
  ["-1.5", -1],
  ["+7", 7],
  ["500000K", undefined],
  ["1MB", undefined],
  ["1 G", undefined],
  ["", undefined],
  ["G", undefined],
  ["1e", undefined],
  ["1e999", undefined],
  ["0x10", undefined],
  ["9".repeat(70), undefined],
  ["9007199254740993", undefined],
])("%s is %s", (text, units) => {
  expect(parseQuantity(text)).toBe(units);
});

test.each([
  ["250m", 0.25],
  ["0.3", 0.3],
  ["20m", 0.02],
  ["1", 1],
  ["1u", 0.001],
  ["100n", 0.001],
  ["2.0001", 2.001],
])("%s are %s cores", (text, cores) => {
  expect(parseCoresQuantity(text)).toBe(cores);
});
