import { expect, test } from "vitest";
import { bindWarnings } from "../../agent/zones/bind-neighbours.ts";
import { aVm } from "../support/builders.ts";
import { prepareText } from "../support/spec-builders.ts";

/** The warning a container with these volumes is given beside one named "other" with that mount. */
function told(volumes: readonly string[], other?: { readonly source: string; readonly options?: string[] }): string {
  const prepared = prepareText(JSON.stringify({ image: "a", name: "web", volumes }), { name: "web.json" });
  const zones = [
    aVm({ alias: "other", filesystems: other ? [{ type: "lofs", target: "/t", options: [], ...other }] : [] }),
  ];
  return bindWarnings(prepared, zones, "zones")
    .map(({ message }) => message)
    .join("\n");
}

test("whoever can write above what another one mounts is named, whoever comes first", () => {
  expect(told(["/data/a/b:/b"], { source: "/data/a" })).toContain(
    '"web" mounts /data/a/b, and "other" can write to /data/a above it',
  );
  expect(told(["/data/a:/a"], { source: "/data/a/b/c", options: ["ro"] })).toContain(
    '"other" mounts /data/a/b/c, and "web" can write to /data/a above it',
  );
  expect(told(["/data/a:/a", "/data/a/b:/b"])).toContain('"web" mounts /data/a/b, and "web" can write to /data/a');
});

test.each([
  ["beside each other", ["/data/a:/a"], { source: "/data/ab" }],
  ["the same directory", ["/data/a:/a"], { source: "/data/a" }],
  ["the upper one read-only", ["/data/a:/a:ro"], { source: "/data/a/b" }],
  ["the other's upper one read-only", ["/data/a/b:/a"], { source: "/data/a", options: ["ro"] }],
  ["volumes, which are refused elsewhere", ["v:/a"], { source: "/zones/zonelet/volumes/v/part" }],
])("nothing is said of %s", (_, volumes, other) => {
  expect(told(volumes, other)).toBe("");
});
