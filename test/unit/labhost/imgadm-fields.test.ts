import { describe, expect, it } from "vitest";
import { imageRow, parseFilter } from "../../../agent/labhost/commands/imgadm/fields.ts";
import type { InstalledImage } from "../../../agent/labhost/commands/imgadm/state.ts";

function anImage(manifest: Readonly<Record<string, unknown>> = {}): InstalledImage {
  return {
    manifest: {
      uuid: "d27bd6a0-9b14-7bef-0ec1-7266e7f4135c",
      name: "docker-layer",
      version: "d6f5ea773ca3",
      type: "docker",
      published_at: "2018-07-17T07:30:00.123Z",
      tags: {
        "docker:id": "sha256:d6f5ea773ca39a0094e300aec4c30478b616d1631382c6eba21fdc2fa20c0385",
        "docker:repo": "registry.example.com:5000/team/demo",
        "docker:tag:1.0": true,
        "docker:tag:latest": true,
      },
      files: [{ size: 10240 }],
      ...manifest,
    },
    zpool: "zones",
    allClones: ["zones/odd", "zones/dc5cbce7-798a-4bc8-bdc5-61b4be00a22e"],
    cloneNames: ["zones/dc5cbce7-798a-4bc8-bdc5-61b4be00a22e"],
  };
}

describe("imageRow (imgadm.md 3.3)", () => {
  it("adds the computed fields", () => {
    expect(imageRow(anImage())).toMatchObject({
      pub: "2018-07-17",
      published_date: "2018-07-17",
      published: "2018-07-17T07:30:00Z",
      clones: 1,
      zpool: "zones",
      size: 10240,
      docker_short_id: "sha256:d6f5e",
      docker_repo: "registry.example.com:5000/team/demo",
      docker_tags: ["1.0", "latest"],
    });
  });

  it("leaves docker's fields to docker images", () => {
    expect(imageRow(anImage({ type: "lx-dataset", tags: undefined }))).not.toHaveProperty("docker_tags");
  });

  it.each([[undefined], [{}], [{ "docker:id": 5 }]])("fails for tags %j", (tags) => {
    expect(() => imageRow(anImage({ tags }))).toThrow(
      /^Cannot (?:read property 'docker:id'|call method 'slice') of undefined$/,
    );
  });
});

describe("parseFilter", () => {
  const row = imageRow(anImage({ disabled: false }));

  it.each([
    ["type=docker", true],
    ["type=lx-dataset", false],
    ["clones=1", true],
    ["clones=0", false],
    ["disabled=false", true],
    ["disabled=true", false],
    ["absent=false", false],
    ["name=~layer", true],
    ["name=~nope", false],
    ["tags.docker:repo=registry.example.com:5000/team/demo", true],
    ["tags.docker:tag:1.0=true", false],
    ["tags.nope.deeper=1", false],
  ])("%s: %s", (text, matches) => {
    expect(parseFilter(text)(row)).toBe(matches);
  });

  it.each(["foo", "=x"])("refuses %s", (text) => {
    expect(() => parseFilter(text)).toThrow(`invalid filter: "${text}" (must be of the form "field=value")`);
  });
});
