import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { normalizeCreatePayload } from "../../agent/labhost/vm/create-payload.ts";
import type { PayloadWorld } from "../../agent/labhost/vm/validate.ts";
import { zoneManifestSchema } from "../../agent/vmadm/schema.ts";
import { messageOf, prepareText } from "../support/spec-builders.ts";

const DIRECTORY = new URL("../fixtures/docker-create/", import.meta.url);
const record = z.record(z.string(), z.unknown());
const vectorSchema = z.object({
  name: z.string(),
  kind: z.string(),
  input: z.looseObject({ manifest: record.optional() }),
  conformance: z.string(),
  expected: z
    .object({
      manifest: z.looseObject({ internal_metadata: record.optional(), nics: z.array(record).optional() }).optional(),
    })
    .optional(),
  expected_error: z.object({ message: z.string().nullable() }).optional(),
});
const vectors = readdirSync(DIRECTORY)
  .filter((file) => file.endsWith(".json"))
  .map((file) => vectorSchema.parse(JSON.parse(readFileSync(new URL(file, DIRECTORY), "utf8"))))
  .filter((vector) => vector.kind === "manifest");

/** Where we deliberately answer otherwise than vmadm alone. */
const OURS: Readonly<Record<string, string>> = {
  // vmadm drops `docker` for other brands and makes a zone that is no container.
  "manifest-docker-wrong-brand": 'brand: "joyent" is not allowed; use lx',
};
/** Known only to the node: whether the image is installed. */
const NEEDS_NODE = ["manifest-image-missing"];

describe("vectors of kind manifest", () => {
  test("there are some", () => expect(vectors.length).toBeGreaterThanOrEqual(17));

  test.each(vectors.map((vector) => [vector.name, vector] as const))("%s", (name, vector) => {
    const text = JSON.stringify(vector.input.manifest, null, 2);
    const refused = OURS[name] ?? (NEEDS_NODE.includes(name) ? undefined : vector.expected_error && "m.json:");
    if (refused !== undefined) {
      expect(messageOf(() => prepareText(text, { name: "m.json" }))).toContain(refused);
      return;
    }
    const { manifest } = prepareText(text, { name: "m.json" });
    expect(zoneManifestSchema.parse(manifest)).toEqual(manifest);
    const given = record.parse(vector.input.manifest?.["internal_metadata"]);
    // Metadata text goes through byte for byte.
    for (const [key, value] of Object.entries(given)) expect(manifest.internal_metadata?.[key]).toBe(value);
    if (vector.conformance === "quirk") return;
    // And vmadm makes of our payload what it makes of theirs, but for what we decide ourselves. It drops `interface`.
    const world: PayloadWorld = { zpools: ["zones"], imageType: () => "docker" };
    const created = normalizeCreatePayload({ docker: false, ...manifest }, world, randomUUID);
    const { internal_metadata: metadata = {}, nics, ...expected } = vector.expected?.manifest ?? {};
    for (const key of ["uuid", "zonename", "autoboot", "alias"]) Reflect.deleteProperty(expected, key);
    expect(created).toMatchObject(expected);
    if (nics) expect(created["nics"]).toEqual(nics.map((nic) => ({ ...nic, interface: undefined })));
    expect(Object.keys(record.parse(created["internal_metadata"]))).toEqual(
      expect.arrayContaining(Object.keys(metadata)),
    );
  });
});

const BASE = `brand: lx
docker: true
image_uuid: 1236eb25-b04d-c68a-150a-8a0ec3befbc9
kernel_version: 4.3.0
alias: registry
max_physical_memory: 1024
internal_metadata:
  docker:cmd: '["/bin/sh", "/entry.sh"]'
`;
const prepared = (more = "") => prepareText(BASE + more, { name: "m.yaml" });
const refusal = (text: string) => messageOf(() => prepareText(text, { name: "m.yaml" }));

describe("normalising", () => {
  test("little is changed, nothing is added but identity and marks", () => {
    const { manifest, name } = prepared();
    expect(name).toBe("registry");
    expect(manifest).toEqual({
      uuid: manifest.uuid,
      brand: "lx",
      docker: true,
      autoboot: false,
      image_uuid: "1236eb25-b04d-c68a-150a-8a0ec3befbc9",
      kernel_version: "4.3.0",
      alias: "registry",
      max_physical_memory: 1024,
      internal_metadata: {
        "docker:cmd": '["/bin/sh", "/entry.sh"]',
        "docker:id": expect.stringMatching(new RegExp(`^${manifest.uuid.replaceAll("-", "")}[0-9a-f]{32}$`)) as string,
        "zonelet:image": "1236eb25-b04d-c68a-150a-8a0ec3befbc9",
        "zonelet:version": "1",
        "zonelet:digest": expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
      },
    });
  });

  test("old nics become new ones", () => {
    const { manifest } = prepared(
      'nics: [{nic_tag: admin, ip: 10.0.0.21, netmask: 255.255.240.0, gateway: 10.0.0.1, interface: net0, vlan_id: "7"}]\n',
    );
    expect(manifest.nics).toEqual([{ nic_tag: "admin", ips: ["10.0.0.21/20"], gateways: ["10.0.0.1"], vlan_id: 7 }]);
  });

  test("a given docker:id decides the uuid, a given uuid is kept", () => {
    const id = "5c3f0a1e7b524d189e0c2f6a8b1d4e70a1b2c3d4e5f64a7b8c9d0e1f2a3b4c5d";
    expect(prepared(`  docker:id: ${id}\n`).manifest.uuid).toBe("5c3f0a1e-7b52-4d18-9e0c-2f6a8b1d4e70");
    const uuid = "aaaaaaaa-7b52-4d18-9e0c-2f6a8b1d4e70";
    expect(prepared(`uuid: ${uuid}\n`).manifest.uuid).toBe(uuid);
  });

  test("text that means something else than it says is put right", () => {
    const { manifest, tty, openStdin } = prepared(
      '  docker:tty: "true"\n  docker:open_stdin: "false"\n  docker:restartpolicy: "no"\n',
    );
    expect(manifest.internal_metadata?.["docker:tty"]).toBe(true);
    expect(manifest.internal_metadata).not.toHaveProperty("docker:open_stdin");
    expect(manifest.internal_metadata).not.toHaveProperty("docker:restartpolicy");
    expect([tty, openStdin]).toEqual([true, false]);
  });

  test("an image by name, and what a dry run printed, can be fed back", () => {
    const first = prepareText(BASE.replace(/image_uuid: .*/, "image: nginx:1.27") + "  zonelet:stop_signal: SIGINT\n");
    expect(first.stopSignal).toBe("SIGINT");
    expect(first.manifest.internal_metadata?.["zonelet:image"]).toBe("nginx:1.27");
    const again = prepareText(JSON.stringify(first.manifest), { name: "again.json" });
    expect(again.manifest.uuid).toBe(first.manifest.uuid);
    expect(again.stopSignal).toBe("SIGINT");
  });

  test("numbers and lists may be text", () => {
    const { manifest } = prepared('quota: "20"\nresolvers: "10.0.0.1, 10.0.0.2"\n');
    expect(manifest).toMatchObject({ quota: 20, resolvers: ["10.0.0.1", "10.0.0.2"] });
  });
});

describe("refusing", () => {
  test.each([
    ["max_phisical_memory: 1", 'unknown key "max_phisical_memory" (did you mean "max_physical_memory"?)'],
    ["memory: 1", 'unknown key "memory" (did you mean "max_physical_memory"?)'],
    ["limit_priv: default,sys_admin", '"limit_priv" must not be set by a manifest'],
    ["state: running", '"state" is what vmadm reports, not something it takes'],
    ["vcpus: 2", '"vcpus" is for virtual machines'],
    ["init_name: /bin/sh", "init_name: must not be set but to what docker: true implies"],
    ["restart_init: true", "restart_init: must not be set but to what"],
    ["max_swap: 128", "max_swap: 128 is not a whole number of at least 256"],
    ["quota: 5.5", "quota: 5.5 is not a whole number"],
    ["resolvers: [10.0.0.264]", '"10.0.0.264" is not an IP address'],
    [
      "nics: [{nic_tag: admin, ip: 10.0.0.264, netmask: 255.255.255.0}]",
      'nics[0].ip: "10.0.0.264" is not an IPv4 address',
    ],
    ["nics: [{nic_tag: admin, ip: 10.0.0.2}]", "nics[0].netmask: is required for a static address"],
    ["nics: [{nic_tag: admin, ip: 10.0.0.2, netmask: 255.0.255.0}]", '"255.0.255.0" is not a netmask'],
    ["nics: [{nic_tag: admin}]", "nics[0]: needs an address"],
    ["nics: [{nic_tag: admin, ip: dhcp, primary: false}]", "nics[0].primary: must be true or absent"],
    ["nics: [{nic_tag: admin, ips: [10.0.0.2]}]", '"10.0.0.2" is not an address with a prefix'],
    ["image: nginx", 'say either "image" or "image_uuid"'],
    [
      "filesystems: [{source: /etc, target: /x}]",
      "/etc is not below a directory of the configuration's mounts.allowedRoots",
    ],
    ["filesystems: [{source: http://x/y, target: /x}]", "must be an absolute path, or a uuid"],
    ["  docker:env: {A: 1}", "internal_metadata.docker:env: must be text: write it as JSON in a string"],
    ["  docker:env: '[1]'", "must be a JSON list of strings in a string"],
    ["  docker:env: A=1", "must be a JSON list of strings in a string"],
    ["  docker:logdriver: syslog", "the log driver syslog needs the platform's logger"],
    ["  docker:id: abc", "must be 64 hex digits"],
    ["  sdc:nics: x", "keys beginning with sdc: belong to the platform"],
    ["  zonelet:foo: x", "is not a mark this agent knows"],
    ["hostname: <your host>", "hostname: <your host> is a placeholder: put your own value here"],
  ])("%s", (line, expected) => {
    expect(refusal(`${BASE}${line}\n`)).toContain(expected);
  });

  test("an unknown brand, no image, no command, an unlisted user", () => {
    expect(refusal("brand: lxx\nimage: a\n")).toContain(
      'm.yaml:1:8 brand: "lxx" is not allowed; use lx (did you mean "lx"?)',
    );
    expect(refusal("brand: lx\n")).toContain('image_uuid is required (or "image" with a reference)');
    expect(refusal("brand: lx\nimage: a\ndocker: true\n")).toContain("no command specified: neither docker:cmd");
    expect(refusal(`${BASE}  docker:user: "4711"\n`)).toContain("has no uid 4711, and the platform would run");
  });
});

test("lint tells what is needless or risky, with places, in the order of the file", () => {
  const { warnings } = prepareText(
    `brand: lx
docker: "true"
image_uuid: 1236eb25-b04d-c68a-150a-8a0ec3befbc9
autoboot: true
max_physical_memory: "1024"
max_swap: 16384
tmpfs: 16384
maintain_resolvers: true
nics:
  - {nic_tag: admin, interface: net0, ip: dhcp}
internal_metadata:
  docker:cmd: '["/bin/sh", "\\u0041"]'
  docker:workingdir: /srv
  docker:tty: "false"
  docker:restartpolicy: "no"
  docker:env: '["HOST=<IP or name of the registry>"]'
`,
    { name: "m.yaml" },
  );
  expect(warnings.map((w) => `${w.where ?? ""} ${w.path} ${w.message}`)).toEqual([
    "m.yaml:1:1  no kernel_version: the image's or the node's is used",
    'm.yaml:2:1 docker is "true", which vmadm converts',
    "m.yaml:4:1 autoboot is left to the agent, which starts the zone as a step of its own",
    "m.yaml:5:1 max_physical_memory is text, which vmadm converts",
    "m.yaml:6:1 max_swap lets the zone fill 15360 MiB of the node's swap beside 1024 MiB of memory",
    "m.yaml:7:1 tmpfs is more than the memory: vmadm lowers it to 1024",
    "m.yaml:8:1 maintain_resolvers has no effect on lx zones",
    "m.yaml:10:5 nics[0] the container init does not speak DHCP: the nic gets no address",
    "m.yaml:10:22 nics[0].interface is ignored: the zone sees this nic as eth0",
    "m.yaml:12:3 internal_metadata.docker:cmd has \\u escapes, whose digits the container init reads as decimal",
    'm.yaml:13:3 internal_metadata.docker:workingdir nobody reads this key (did you mean "docker:workdir"?)',
    'm.yaml:14:3 internal_metadata.docker:tty is "false"; only true means yes, and vmadm takes any text for a terminal',
    'm.yaml:15:3 internal_metadata.docker:restartpolicy "no" is no policy: the container is not restarted',
    "m.yaml:16:3 internal_metadata.docker:env <IP or name of the registry> looks like a placeholder",
  ]);
});
