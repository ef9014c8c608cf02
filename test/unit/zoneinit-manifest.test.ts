import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseStringArray } from "../../agent/labhost/dockerinit/json-nvlist.ts";
import { normalizeCreatePayload } from "../../agent/labhost/vm/create-payload.ts";
import { validatePayload, type PayloadWorld } from "../../agent/labhost/vm/validate.ts";
import { metadataTextFault } from "../../agent/spec/metadata-text.ts";
import { zoneManifestSchema } from "../../agent/vmadm/schema.ts";
import { metadataJson } from "../../agent/zoneinit/metadata-keys.ts";
import { payloadPaths } from "../../agent/zoneinit/origins.ts";
import { aNode, anImage, prepareText } from "../support/spec-builders.ts";

const WEB = `name: web
image: nginx:1.27
command: [nginx, -g, daemon off;]
env: {TZ: UTC}
user: web
workdir: /srv
hostname: web.example.org
domainname: example.org
labels: {tier: front}
tty: true
stdin: true
memory: 256m
cpus: 2
cpuShares: 512
pids: 100
disk: 5g
ioPriority: 50
networks: [{name: lan, ip: 10.0.0.7}]
dnsSearch: example.org
extraHosts: {db: 10.0.0.9}
volumes: [/data/web:/srv/web:ro]
restart: on-failure:3
log: {driver: json-file, options: {max-size: 10m, max-file: "3"}}
stopSignal: SIGQUIT
stopTimeout: 30s
kernelVersion: 4.3.0
autoRemove: false
firewall: true
`;

test("a payload, byte for byte", () => {
  const { manifest, ...rest } = prepareText(WEB, { image: anImage({ Entrypoint: ["/entry"], Env: ["PATH=/bin"] }) });
  const hex = manifest.uuid.replaceAll("-", "");
  expect(manifest).toEqual({
    uuid: manifest.uuid,
    brand: "lx",
    docker: true,
    autoboot: false,
    image_uuid: "1236eb25-b04d-c68a-150a-8a0ec3befbc9",
    kernel_version: "4.3.0",
    alias: "web",
    hostname: "web.example.org",
    dns_domain: "example.org",
    max_physical_memory: 256,
    max_locked_memory: 256,
    max_swap: 512,
    tmpfs: 0,
    max_lwps: 100,
    quota: 5,
    cpu_cap: 200,
    cpu_shares: 50,
    zfs_io_priority: 50,
    zlog_max_size: 10_000_000,
    firewall_enabled: true,
    nics: [{ nic_tag: "admin", ips: ["10.0.0.7/24"], gateways: ["10.0.0.1"], primary: true }],
    resolvers: ["10.0.0.1", "10.0.0.2"],
    filesystems: [{ type: "lofs", source: "/data/web", target: "/srv/web", options: ["ro", "nodevices"] }],
    tags: { sdc_docker: true, "docker:label:tier": "front" },
    internal_metadata: {
      "docker:id": expect.stringMatching(new RegExp(`^${hex}[0-9a-f]{32}$`)) as string,
      "docker:imagename": "nginx:1.27",
      "docker:entrypoint": '["/entry"]',
      "docker:cmd": '["nginx","-g","daemon off;"]',
      "docker:env": '["PATH=/bin","TZ=UTC"]',
      "docker:linkEnv": "[]",
      "docker:linkHosts": "",
      "docker:user": "web",
      "docker:workdir": "/srv",
      "docker:tty": true,
      "docker:open_stdin": true,
      "docker:noipmgmtd": true,
      "docker:restartpolicy": "on-failure:3",
      "docker:logdriver": "json-file",
      "docker:logconfig": '{"max-size":"10m","max-file":"3"}',
      "docker:dnssearch": '["example.org"]',
      "docker:extraHosts": '["db:10.0.0.9"]',
      "zonelet:version": "1",
      "zonelet:digest": expect.stringMatching(/^sha256:[0-9a-f]{64}$/) as string,
      "zonelet:image": "nginx:1.27",
      "zonelet:stop_signal": "SIGQUIT",
      "zonelet:stop_timeout": 30,
    },
  });
  expect(rest).toMatchObject({
    name: "web",
    autoRemove: false,
    tty: true,
    openStdin: true,
    stopSignal: "SIGQUIT",
    stopTimeoutS: 30,
    bindSources: [{ path: "/data/web" }],
    warnings: [],
  });
});

test("what is off is absent: docker:tty false would be a terminal", () => {
  const { manifest } = prepareText("image: a\ntty: false\nstdin: false\nrestart: no\n");
  const keys = Object.keys(manifest.internal_metadata ?? {});
  expect(keys).not.toContain("docker:tty");
  expect(keys).not.toContain("docker:open_stdin");
  expect(keys).not.toContain("docker:restartpolicy");
  expect(keys).not.toContain("docker:logdriver");
});

test("a container without a name gets one, and its id as host name", () => {
  const { manifest, name } = prepareText("image: a\n");
  expect(name).toMatch(/^[a-z]+_[a-z]+_\d\d$/);
  expect(manifest.alias).toBe(name);
  expect(manifest.hostname).toBe(manifest.uuid.replaceAll("-", "").slice(0, 12));
});

describe("digest", () => {
  const digestOf = (text: string, node = aNode()): unknown =>
    prepareText(text, { node, image: anImage({ Cmd: ["sh"], Volumes: { "/v": {} } }) }).manifest.internal_metadata?.[
      "zonelet:digest"
    ];

  test("the same request twice has one digest, whatever was made up", () => {
    expect(digestOf("image: a\n")).toBe(digestOf("image: a\n"));
    expect(digestOf("image: a\nenv: {A: 1, B: 2}\n")).toBe(digestOf("env:\n  - A=1\n  - B=2\nimage: a\n"));
    expect(digestOf("image: a\nmemory: 1g\n")).toBe(digestOf("image: a\nmemory: 1024m\n"));
  });

  test.each([
    "name: x",
    "hostname: x",
    "memory: 1g",
    "env: {A: 1}",
    "stopTimeout: 5s",
    "autoRemove: true",
    "tty: true",
    "labels: {a: b}",
  ])("%s makes another one", (line) => {
    expect(digestOf(`image: a\n${line}\n`)).not.toBe(digestOf("image: a\n"));
  });
});

describe("explain", () => {
  test("every value of a payload has an origin and a reason", () => {
    const image = anImage({ Cmd: ["sh"], Volumes: { "/v": {} }, Labels: { a: "b" }, User: "web", WorkingDir: "/w" });
    for (const prepared of [prepareText(WEB), prepareText("image: a\nautoRemove: true\n", { image })]) {
      expect(prepared.origins.map((origin) => origin.path)).toEqual(payloadPaths(prepared.manifest));
      for (const origin of prepared.origins)
        expect(origin, origin.path).toMatchObject({ why: expect.stringMatching(/\S/) as string });
    }
  });

  test("names the line, the image's field or the node's default", () => {
    const { origins } = prepareText("image: a\nmemory: 1g\n");
    const why = (path: string) => origins.find((origin) => origin.path === path);
    expect(why("max_physical_memory")).toMatchObject({
      path: "max_physical_memory",
      from: "spec",
      why: "memory (web.yaml:2:9), in MiB, rounded up",
    });
    expect(why("internal_metadata.docker:cmd")).toMatchObject({ from: "image", why: "Config.Cmd" });
    expect(why("quota")).toMatchObject({ from: "node", why: "defaults.quotaGiB, in GiB, rounded up" });
  });

  test("a raw manifest's values are its own", () => {
    const { origins, manifest } = prepareText('{"brand": "lx", "image": "a", "ram": 512}', { name: "m.json" });
    expect(origins.map((origin) => origin.path)).toEqual(payloadPaths(manifest));
    expect(origins.find((origin) => origin.path === "brand")).toMatchObject({
      from: "spec",
      why: "brand (m.json:1:11)",
    });
    expect(origins.find((origin) => origin.path === "max_physical_memory")).toMatchObject({
      from: "derived",
      why: "ram",
    });
  });
});

// Characters JSON can carry to dockerinit without \u, weighted towards the awkward ones.
const word = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      '"',
      "\\",
      "/",
      "\n",
      "\t",
      "\r",
      "\b",
      "\f",
      " ",
      "'",
      "$",
      "[",
      "]",
      "{",
      ",",
      "=",
      ":",
      "é",
      "€",
      "😀",
      "\x7f",
    ),
    fc.string({ minLength: 1, maxLength: 1 }).filter((c) => metadataTextFault(c) === undefined),
  ),
});

describe("properties", () => {
  test("any words reach the process through docker:cmd and docker:env as they are", () => {
    fc.assert(
      fc.property(fc.array(word), (words) => {
        expect(parseStringArray("docker:cmd", metadataJson("docker:cmd", words))).toEqual(words);
      }),
    );
  });

  test("whatever dockerinit would garble is refused", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1 }), (text) => {
        let json: string;
        try {
          json = metadataJson("docker:cmd", [text]);
        } catch {
          return;
        }
        expect(parseStringArray("docker:cmd", json)).toEqual([text]);
      }),
    );
  });

  const size = fc.integer({ min: 6, max: 4096 }).map((mib) => `${mib}m`);
  const spec = fc.record(
    {
      image: fc.constant("a"),
      name: fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}$/),
      command: fc.array(word, { minLength: 1 }),
      entrypoint: fc.array(
        word.filter((w) => w !== ""),
        { minLength: 1 },
      ),
      env: fc.dictionary(fc.stringMatching(/^[A-Z_]{1,8}$/), word),
      user: fc.constantFrom("0", "web", "1000:1000", ":50"),
      memory: size,
      cpus: fc.integer({ min: 1, max: 6400 }).map((percent) => percent / 100),
      cpuShares: fc.integer({ min: 2, max: 262144 }),
      disk: size,
      pids: fc.integer({ min: 16, max: 1_000_000 }),
      tty: fc.boolean(),
      stdin: fc.boolean(),
      networks: fc.constantFrom("none", ["lan"], [{ name: "lan", ip: "10.0.0.9" }, "dmz"]),
      volumes: fc.constantFrom([], ["/x"], ["/data/a:/b:ro", "/c"]),
      labels: fc.dictionary(
        fc
          .stringMatching(/^[a-y][a-z.]{0,10}$/)
          .filter((k) => !k.startsWith("triton.") && !k.startsWith("com.joyent.")),
        word,
      ),
      restart: fc.constantFrom("no", "always", "unless-stopped", "on-failure", "on-failure:7"),
      stopTimeout: fc.integer({ min: 0, max: 100_000 }).map((ms) => `${ms}ms`),
      log: fc.constantFrom({ driver: "none" }, { maxSize: "5m" }),
    },
    { requiredKeys: ["image"] },
  );

  test("every payload passes our own schema and the platform's validation, with no property dropped", () => {
    fc.assert(
      fc.property(spec, (value) => {
        const { manifest } = prepareText(JSON.stringify(value), { name: "p.json" });
        expect(zoneManifestSchema.parse(manifest)).toEqual(manifest);
        const world: PayloadWorld = { zpools: ["zones"], imageType: () => "docker" };
        expect(validatePayload({ ...manifest }, "lx", "create", world)).toEqual({
          bad_values: [],
          bad_properties: [],
          missing_properties: [],
        });
        const created = normalizeCreatePayload({ ...manifest }, world, () => "00000000-0000-4000-8000-000000000000");
        // What we say is what the zone gets: no clamp, no default instead.
        for (const [key, given] of Object.entries(manifest))
          if (typeof given === "number") expect(created[key], key).toBe(given);
      }),
      { numRuns: 60 },
    );
  });
});
