import fc from "fast-check";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { convertDocument } from "../../agent/spec/convert/convert.ts";
import { readSpecs, type SpecDocument } from "../../agent/spec/read.ts";
import { isZoneUuid, type ZoneUuid } from "../../agent/util/ids.ts";
import { prepareContainer } from "../../agent/zoneinit/prepare.ts";
import { prepareRaw } from "../../agent/zoneinit/prepare-raw.ts";
import type { ZoneManifest } from "../../agent/vmadm/schema.ts";
import { specInput } from "../support/arbitrary-specs.ts";
import { aNode, anImage, FILES } from "../support/spec-builders.ts";

const IMAGE = anImage({
  Entrypoint: ["/entry"],
  Cmd: ["serve"],
  Env: ["PATH=/bin", "LANG=C"],
  Volumes: { "/from-image": {} },
  Labels: { of: "image" },
  User: "web",
  WorkingDir: "/srv",
  Healthcheck: { Test: ["CMD", "true"] },
});
const base = aNode();
const node = aNode({
  mounts: { allowedRoots: ["/data", "/srv/www"] },
  networks: { ...base.networks, external: { nicTag: "external", resolvers: [] } },
});
const AROUND = { networks: node.networks, packages: [], image: undefined };

const only = (text: string, name = "web.yaml"): SpecDocument => {
  const [document] = readSpecs(text, name);
  if (document === undefined) throw new Error("no document");
  return document;
};

function uuid(): ZoneUuid {
  const text = "1111aaaa-1111-4111-8111-111111111111";
  if (!isZoneUuid(text)) throw new Error("unreachable");
  return text;
}

function without<T>(map: Readonly<Record<string, T>> | undefined, ...keys: readonly string[]): Record<string, T> {
  return Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => !keys.includes(key)));
}

/** The payload without what is made anew each time. */
function payload(document: SpecDocument, image = IMAGE): Partial<ZoneManifest> {
  const { manifest } =
    document.format === "container"
      ? prepareContainer(document, image, node, FILES, { uuid: uuid() })
      : prepareRaw(document, image, node, FILES, { uuid: uuid() });
  const { alias, internal_metadata: metadata, filesystems, ...rest } = manifest;
  return {
    ...rest,
    ...(document.format === "container" && document.spec.name === undefined ? {} : { alias }),
    internal_metadata: without(metadata, "docker:id", "zonelet:digest"),
    filesystems: filesystems
      ?.map((fs) => (fs.source.startsWith("/") ? fs : { ...fs, source: "volume" }))
      .toSorted((a, b) => (a.target < b.target ? -1 : 1)),
  };
}

const written = (document: SpecDocument, form: "spec" | "docker") => {
  const { value, gaps } = convertDocument(document, form, AROUND);
  return { text: form === "spec" ? stringify(value) : JSON.stringify(value), gaps };
};

describe("a container spec written again means the same", () => {
  test("whatever it says", () => {
    fc.assert(
      fc.property(specInput, (input) => {
        const document = only(JSON.stringify(input), "a.json");
        const { text, gaps } = written(document, "spec");
        expect(gaps).toEqual([]);
        const again = only(text);
        expect(payload(again)).toEqual(payload(document));
        expect(written(again, "spec").text).toBe(text);
      }),
      { numRuns: 300 },
    );
  });

  test("as the body of a create request, but for what is told", () => {
    fc.assert(
      fc.property(specInput, (input) => {
        // What a body has no words for; the one test of each is below.
        const { name, lockedMemory, disk, kernelVersion, firewall, ioPriority, ...sayable } = input;
        fc.pre(sayable.command !== "none" && sayable.stopTimeout?.endsWith("ms") !== true);
        fc.pre(sayable.networks !== undefined);
        const document = only(JSON.stringify(sayable), "a.json");
        const { text, gaps } = written(document, "docker");
        expect(gaps).toEqual([]);
        const metadata = without(payload(only(text, "body.json")).internal_metadata, "docker:logconfig");
        // The size of the log stands among the driver's options there.
        expect(payload(only(text, "body.json"))).toMatchObject({ ...payload(document), internal_metadata: metadata });
        expect([name, lockedMemory, disk, kernelVersion, firewall, ioPriority]).toBeDefined();
      }),
      { numRuns: 300 },
    );
  });
});

describe("a vmadm manifest as a container spec becomes the same payload", () => {
  const specs = [
    "command: [a, b]",
    "command: [a]\nenv: { A: '1', B: '-x' }\nuser: 1000:50\nworkdir: /x\ntty: true\nstdin: true\nrestart: on-failure:3",
    "command: [a]\nmemory: 100m\nmemorySwap: 300m\nlockedMemory: 50m\ntmpfs: 20m\ncpus: 1.5\ncpuShares: 512\npids: 99\ndisk: 3g",
    "command: [a]\nnetworks: { name: lan, ip: 10.0.0.9, mac: '2:8:20:0:0:1' }\ndns: 1.2.3.4\ndnsSearch: [x]\nextraHosts: { a: 1.1.1.1 }",
    "command: [a]\nvolumes: ['/data/x:/y:ro', /anon]\nlabels: { k: v }\nhostname: h\ndomainname: d.e\nfirewall: true",
    "command: [a]\nlog: { driver: json-file, options: { max-file: '2' }, maxSize: 5m }\nstopSignal: INT\nstopTimeout: 3s\nautoRemove: true",
    "command: [a]\nhealthcheck: { test: exit 1, interval: 3s }",
  ];
  // A manifest inherits nothing; the way back is exact where the image says nothing a spec cannot take away.
  const image = anImage({
    Entrypoint: ["/entry"],
    Cmd: ["serve"],
    Env: ["PATH=/bin"],
    User: "web",
    WorkingDir: "/srv",
  });

  test.each(specs)("%s", (lines) => {
    const first = payload(only(`image: nginx\nname: web\n${lines}\n`), image);
    const manifest = only(
      JSON.stringify({
        ...first,
        filesystems: first.filesystems?.map((fs) => (fs.source === "volume" ? { ...fs, source: uuid() } : fs)),
      }),
      "m.json",
    );
    expect(manifest.format).toBe("manifest");
    const { value, gaps } = convertDocument(manifest, "spec", { ...AROUND, image: image.configuration.config });
    expect(gaps.map(({ path }) => path)).toEqual(["uuid"]);
    const { internal_metadata: back, ...rest } = payload(only(stringify(value)), image);
    const { internal_metadata: sent, ...before } = first;
    expect(rest).toEqual(before);
    const metadata = without(back, "docker:imagename", "zonelet:image", "docker:logdriver", "docker:logconfig");
    // Nobody and root are the same user, no directory and the root one, no log driver and json-file.
    expect({ "docker:user": "root", "docker:workdir": "/", ...sent }).toMatchObject(metadata);
  });

  test("what a spec has no word for is told", () => {
    const manifest = only(
      JSON.stringify({
        brand: "lx",
        image: "nginx",
        owner_uuid: uuid(),
        billing_id: uuid(),
        nics: [{ nic_tag: "nowhere", ips: ["dhcp"] }],
        tags: { a: 1 },
        internal_metadata: { "docker:cmd": '["x"]', foo: "bar", "docker:linkEnv": '["A=1"]' },
      }),
      "m.json",
    );
    const { gaps, value } = convertDocument(manifest, "spec", AROUND);
    expect(gaps.map(({ path }) => path)).toEqual([
      "docker",
      "owner_uuid",
      "internal_metadata.foo",
      "internal_metadata.docker:linkEnv",
      "tags.a",
      "billing_id",
      "nics[0]",
    ]);
    expect(value).toMatchObject({ memory: "256m", disk: "10g", pids: 2000, tmpfs: true, networks: "none" });
  });
});

test("what a create request has no word for is told, each once", () => {
  const lines =
    "name: web\naddUser: true\nnonRoot: true\nlockedMemory: 1m\ndisk: 1g\nkernelVersion: 4.3.0\nfirewall: true\n" +
    "ioPriority: 900\ncommand: none\nstopTimeout: 1500ms\nmemorySwap: 1g\nnetworks: [bridge, lan, { name: lan, mac: '2:8:20:0:0:1' }]\n" +
    "volumes: [{ target: /a, readOnly: true }]\nlog: { driver: none, maxSize: 1m }\n";
  const { gaps } = written(only(`image: nginx\n${lines}`), "docker");
  expect(gaps.map(({ path }) => path).toSorted()).toEqual(
    [
      "addUser",
      "command",
      "disk",
      "firewall",
      "ioPriority",
      "kernelVersion",
      "lockedMemory",
      "log.maxSize",
      "memorySwap",
      "name",
      "networks[0]",
      "networks[2]",
      "networks[2].mac",
      "nonRoot",
      "stopTimeout",
      "volumes[0]",
    ].toSorted(),
  );
});

const EXAMPLES = new URL("../../manifests/examples/", import.meta.url);

test.each(readdirSync(EXAMPLES))("examples/%s can be written in every form and read again", (name) => {
  const document = only(readFileSync(new URL(name, EXAMPLES), "utf8"), name);
  for (const form of ["spec", "docker"] as const) {
    const { text } = written(document, form);
    expect(only(text).format, text).toBe("container");
  }
  if (document.format === "manifest") return;
  // A container taken out of its group (there is a warning) has neither the group's marks nor a part in its volumes.
  const marks = ["zonelet:group", "zonelet:group_order", "zonelet:group_role", "zonelet:group_after"];
  const alone = (of: ReturnType<typeof payload>): object => ({
    ...of,
    internal_metadata: without(of.internal_metadata, ...marks),
    filesystems: of.filesystems?.map((one) => ({ ...one, source: one.source.replace(/groups\/[^/]+|volumes/, "") })),
  });
  expect(alone(payload(only(written(document, "spec").text)))).toEqual(alone(payload(document)));
});
