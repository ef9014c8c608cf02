import { expect, it } from "vitest";
import { suggest } from "../../agent/util/suggest.ts";

const keys = ["kernelVersion", "memory", "quotaGiB", "network", "start", "stop"];

it.each([
  ["kernelversion", "kernelVersion"],
  ["kernelVersoin", "kernelVersion"],
  ["memroy", "memory"],
  ["netwrok", "network"],
  ["strat", "start"],
  ["quota", undefined],
  ["", undefined],
  ["xyz", undefined],
  ["shutdown", undefined],
])("%s -> %s", (word, meant) => {
  expect(suggest(word, keys)).toBe(meant);
});

it("takes the nearest, and the first of equals", () => {
  expect(suggest("stap", ["stop", "stamp", "start"])).toBe("stop");
  expect(suggest("stat", ["start", "state"])).toBe("start");
});
