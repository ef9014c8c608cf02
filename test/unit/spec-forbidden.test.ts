// No document, of whatever format, decides what a zone's safety rests on.
import fc from "fast-check";
import { expect, test } from "vitest";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { SPEC_FORMATS, type SpecFormat } from "../../agent/spec/formats/format.ts";
import { readSpecs } from "../../agent/spec/read.ts";
import { prepareContainer } from "../../agent/zoneinit/prepare.ts";
import { prepareRaw } from "../../agent/zoneinit/prepare-raw.ts";
import { DOCKER_KEYS, MARK_KEYS } from "../../agent/zoneinit/metadata-keys.ts";
import type { ZoneManifest } from "../../agent/vmadm/schema.ts";
import { aNode, anImage, FILES } from "../support/spec-builders.ts";

const FORBIDDEN = ["init_name", "restart_init", "limit_priv", "fs_allowed", "delegate_dataset"];
const KEYS: readonly string[] = [...Object.values(DOCKER_KEYS), ...Object.values(MARK_KEYS)];

/** A valid document of each format, to be spoilt. */
const VALID: Readonly<Record<SpecFormat, object>> = {
  spec: { image: "a", command: ["x"], labels: {}, volumes: [] },
  vmadm: {
    brand: "lx",
    docker: true,
    image: "a",
    internal_metadata: { "docker:cmd": '["x"]' },
    tags: {},
    filesystems: [],
  },
  compose: { services: { s: { image: "a", command: ["x"], labels: {}, volumes: [] } } },
  "k8s-pod": {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", labels: {} },
    spec: { containers: [{ name: "c", image: "a", command: ["x"], volumeMounts: [] }], volumes: [] },
  },
  "appc-pod": {
    acVersion: "0.8.11",
    acKind: "PodManifest",
    apps: [
      {
        name: "a",
        image: { id: `sha512-${"0".repeat(128)}`, name: "a" },
        app: { exec: ["/x"], user: "0", group: "0" },
      },
    ],
  },
  "appc-image": {
    acVersion: "0.8.11",
    acKind: "ImageManifest",
    name: "a",
    app: { exec: ["/x"], user: "0", group: "0" },
  },
  "oci-runtime": {
    ociVersion: "1.0.0",
    process: { cwd: "/", args: ["x"], user: { uid: 0, gid: 0 } },
    root: { path: "r" },
    annotations: { "org.smartos.image": "a" },
    mounts: [],
  },
  "docker-create": { Image: "a", Cmd: ["x"], Labels: {}, HostConfig: { Binds: [] } },
};

const key = fc.constantFrom(
  ...FORBIDDEN,
  "brand",
  "sdc:operator-script",
  "zonelet:version",
  "zonelet:x",
  "docker:x",
  "internal_metadata",
);
const source = fc.constantFrom("/etc", "/data/../etc", "/data/./../../etc", "//etc", "/", "/datax", "/data/x");
const spoilt = fc.oneof(
  fc.constantFrom<unknown>("kvm", "root", ["default", "sys_admin"], true, { "sdc:x": "y" }, "/bin/sh"),
  source.map((from) => [`${from}:/mnt`]),
  source.map((from) => [{ type: "lofs", source: from, target: "/mnt" }]),
  source.map((from) => [{ type: "bind", source: from, target: "/mnt" }]),
);

/** The document with a value put at one of its maps, or in the place of one of its lists. */
function spoil(document: unknown, at: number, name: string, value: unknown): unknown {
  let left = at;
  const walk = (inner: unknown): unknown => {
    if (Array.isArray(inner)) return left-- === 0 && Array.isArray(value) ? value : inner.map(walk);
    if (typeof inner !== "object" || inner === null) return inner;
    const here = left-- === 0;
    const entries = Object.entries(inner).map(([k, v]) => [k, walk(v)] as const);
    return Object.fromEntries(here ? [...entries, [name, value]] : entries);
  };
  return walk(document);
}

function payloads(document: unknown, format: SpecFormat): ZoneManifest[] {
  const image = anImage({ Cmd: ["x"] });
  const node = aNode({ mounts: { allowedRoots: ["/data"] } });
  try {
    return readSpecs(JSON.stringify(document), "a.json", { format }).map((one) =>
      one.format === "container"
        ? prepareContainer(one, image, node, FILES).manifest
        : prepareRaw(one, image, node, FILES).manifest,
    );
  } catch (error) {
    if (error instanceof AgentError) return [];
    throw error;
  }
}

test.each(SPEC_FORMATS)("%s: the document alone is accepted", (format) => {
  expect(payloads(VALID[format], format)).toHaveLength(1);
});

test.each(SPEC_FORMATS)("%s: and cannot set what it must not", (format) => {
  fc.assert(
    fc.property(fc.nat(12), key, spoilt, (at, name, value) => {
      for (const manifest of payloads(spoil(VALID[format], at, name, value), format)) {
        for (const forbidden of FORBIDDEN) expect(manifest).not.toHaveProperty(forbidden);
        expect(manifest.brand).toBe("lx");
        for (const fs of manifest.filesystems ?? [])
          if (fs.source.startsWith("/")) expect(fs.source).toMatch(/^\/data(\/x)?$/);
        const metadata = Object.keys(manifest.internal_metadata ?? {});
        expect(metadata.filter((one) => one.startsWith("sdc:"))).toEqual([]);
        // A raw manifest may carry metadata of its own; ours and dockerinit's are a closed list everywhere.
        const closed = format === "vmadm" ? metadata.filter((one) => one.startsWith("zonelet:")) : metadata;
        expect(closed.filter((one) => !KEYS.includes(one))).toEqual([]);
      }
    }),
    { numRuns: 120 },
  );
});
