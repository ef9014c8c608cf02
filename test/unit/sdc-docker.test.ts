// The head nodes' dialect beyond its golden vectors: what no request can reach, and where it differs from the Engine's.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { normalizeCreatePayload } from "../../agent/labhost/vm/create-payload.ts";
import { validatePayload, type PayloadWorld } from "../../agent/labhost/vm/validate.ts";
import { translateOnNode } from "../../agent/sdc-docker/on-node.ts";
import { DOCKER_KEYS } from "../../agent/zoneinit/metadata-keys.ts";
import type { SdcContext } from "../../agent/sdc-docker/context.ts";
import { translateCreate } from "../../agent/sdc-docker/create.ts";
import { translateToVmadm } from "../../agent/sdc-docker/vmadm-payload.ts";
import { createRequest } from "../vectors/sdc-create.ts";
import { messageOf, prepareText, anImage } from "../support/spec-builders.ts";
import { z } from "zod";

const fixture = (name: string): unknown =>
  z
    .looseObject({ input: z.unknown() })
    .parse(JSON.parse(readFileSync(join(import.meta.dirname, `../fixtures/docker-create/${name}.json`), "utf8"))).input;

const NICS = [{ nic_tag: "external", ips: ["203.0.113.10/26"], primary: true, resolvers: ["8.8.8.8"] }];

/** A world where everything is switched on, so that nothing is refused before it is looked at. */
function world(more: Partial<SdcContext> = {}): SdcContext {
  const { context } = createRequest(fixture("lx-image-constants"));
  const service = {
    ...context.service,
    enabledLogDrivers: ["json-file", "none", "syslog", "gelf", "fluentd"],
    sharedVolumes: true,
    automountVolumes: true,
  };
  return { ...context, service, name: undefined, ...more };
}

const errorOf = (body: unknown, context = world()): AgentError => {
  try {
    translateToVmadm(body, context, () => NICS);
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new Error("not refused");
};

const words = fc.oneof(
  fc.constantFrom(
    "", "/", "//x", "a:b", "::", "80/tcp", "0/udp", "99999/tcp", "init_name", "docker:cmd", "sdc:volumes", "__proto__",
    "constructor", "always", "on-failure", "10m", "udp://h:1", "affinity:a==b", "com.joyent.package", "triton.cns.services",
    "com.docker.swarm.affinities", "[]", "{}", "/a/../..", "\0", "\u0001", "x".repeat(300), "host", "syslog", "sample-1G",
  ), // prettier-ignore
  fc.string({ unit: "binary", maxLength: 12 }),
);
const junk: fc.Arbitrary<unknown> = fc.oneof(
  { depthSize: "small" },
  words,
  fc.constantFrom(null, true, false, 0, -1, 1.5, 1e308, 5e8),
  fc.array(words, { maxLength: 4 }),
  fc.dictionary(words, words, { maxKeys: 4 }),
  fc.dictionary(words, fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
  fc.jsonValue({ maxDepth: 3 }),
);
const HOST = ["Memory", "Links", "ExtraHosts", "Dns", "DnsSearch", "Binds", "NetworkMode", "RestartPolicy", "LogConfig", "PortBindings", "PublishAllPorts", "VolumesFrom", "init_name", "Sysctls"]; // prettier-ignore
const TOP = ["Image", "Name", "Cmd", "Env", "Entrypoint", "Volumes", "Labels", "Hostname", "Domainname", "User", "WorkingDir", "Tty", "RestartPolicy", "Binds", "VolumesFrom", "brand", "init_name", "internal_metadata", "limit_priv", "fs_allowed", "filesystems"]; // prettier-ignore
const some = (keys: readonly string[]) => fc.dictionary(fc.constantFrom(...keys), junk, { maxKeys: 5 });
const logs = fc.record({
  Type: fc.constantFrom("json-file", "syslog", "gelf", "fluentd", "none", ""),
  Config: fc.dictionary(
    fc.constantFrom("max-size", "max-file", "syslog-address", "syslog-tag", "gelf-address", "fluentd-address", "fluentd-tag", "__proto__"), // prettier-ignore
    fc.oneof(words, fc.constantFrom("1g", "udp://logs:514", "h:24224", "{{.ID}}")),
  ),
});
/** Mostly accepted, so that what is made of them is looked at. */
const likely = fc.record(
  {
    Image: fc.constant("busybox"),
    Cmd: fc.array(fc.string({ unit: "grapheme" }), { minLength: 1, maxLength: 3 }),
    Env: fc.array(fc.string(), { maxLength: 4 }),
    Labels: fc.dictionary(
      fc.oneof(fc.constantFrom("__proto__", "toString", "sdc_docker", "brand"), fc.string()),
      words,
      {
        maxKeys: 4,
      },
    ),
    Volumes: fc.dictionary(
      fc.oneof(
        fc.constantFrom("/a", "/a/", "/b", "/../etc", "/zones/x"),
        fc.string().map((path) => `/${path}x`),
      ),
      fc.constant({}),
      { maxKeys: 3 },
    ),
    Name: fc.constantFrom("web", "/web", "a.b-c"),
    User: fc.string(),
    HostConfig: fc.record(
      {
        LogConfig: logs,
        Binds: fc.array(fc.constantFrom("vol:/x", "vol:/a:ro", "vol:/etc")),
        ExtraHosts: fc.array(fc.string()),
        DnsSearch: fc.array(fc.string()),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: ["Image", "HostConfig"] },
);
const bodies = fc.oneof(
  junk,
  { arbitrary: likely, weight: 4 },
  fc.tuple(some(TOP), some(HOST)).map(([top, host]) => ({ Image: "busybox", Cmd: ["x"], ...top, HostConfig: host })),
);

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const KEYS = new Set<string>([...Object.values(DOCKER_KEYS), "no_nic_resolvers"]);
const PROPERTIES = new Set(["uuid", "owner_uuid", "brand", "init_name", "kernel_version", "image_uuid", "alias", "hostname", "dns_domain", "docker", "autoboot", "tmpfs", "firewall_enabled", "firewall_rules", "filesystems", "resolvers", "billing_id", "zlog_max_size", "tags", "internal_metadata", "ram", "max_physical_memory", "max_swap", "max_lwps", "cpu_cap", "cpu_shares", "quota", "vcpus", "zfs_io_priority", "nics", "archive_on_delete", "routes"]); // prettier-ignore
const filesystems = z.array(z.object({ source: z.string(), target: z.string(), options: z.array(z.string()) }));

describe("hostile requests", () => {
  test("are refused in the dialect's words, or make a zone that is like every other", () => {
    let made = 0;
    fc.assert(
      fc.property(bodies, (body) => {
        let payload: Readonly<Record<string, unknown>>;
        try {
          payload = translateToVmadm(body, world(), () => NICS).vmadmPayload;
        } catch (error) {
          expect(error).toBeInstanceOf(AgentError);
          expect(error).toHaveProperty("details.docker.status", expect.any(Number));
          return;
        }
        made++;
        for (const key of Object.keys(payload)) expect(PROPERTIES).toContain(key);
        expect(payload).toMatchObject({ brand: "lx", init_name: "/native/usr/vm/sbin/dockerinit", docker: true, autoboot: false }); // prettier-ignore
        const metadata = z.record(z.string(), z.union([z.string(), z.boolean()])).parse(payload["internal_metadata"]);
        for (const key of Object.keys(metadata)) expect(KEYS).toContain(key);
        for (const { source, target } of filesystems.parse(payload["filesystems"])) {
          expect(source).toMatch(UUID);
          expect(target).toMatch(/^\/[^]/);
        }
        expect(Object.keys(z.record(z.string(), z.unknown()).parse(payload["tags"]))).toContain("sdc_docker");
      }),
      { numRuns: 2000 },
    );
    expect(made).toBeGreaterThan(200);
  });

  test.each([
    ["a very long list", { Image: "a", HostConfig: {}, Cmd: Array.from({ length: 200_000 }, () => "x") }, undefined],
    ["a very deep value", `{"Image":"a","HostConfig":{},"Cmd":["x"],"Labels":{"a":${"[".repeat(5000)}${"]".repeat(5000)}}}`, 422], // prettier-ignore
  ])("%s", (_, body, status) => {
    const request: unknown = typeof body === "string" ? JSON.parse(body) : body;
    if (status === undefined) expect(translateCreate(request, world()).response.Id).toMatch(/^[0-9a-f]{64}$/);
    else expect(errorOf(request).details["docker"]).toMatchObject({ status });
  });
});

describe("where the Engine means something else", () => {
  const image = anImage({ Entrypoint: ["/entry"], Cmd: ["theirs"], Env: ["A=1"] });
  const sdc = (body: Record<string, unknown>) => {
    const context = world();
    const config = { Entrypoint: ["/entry"], Cmd: ["theirs"], Env: ["A=1"] };
    const own = context.image && { ...context.image, config };
    return translateCreate({ Image: "a", HostConfig: {}, ...body }, { ...context, image: own }).payload
      .internal_metadata;
  };
  const engine = (body: Record<string, unknown>) =>
    prepareText(JSON.stringify({ Image: "a", HostConfig: {}, ...body }), { name: "b.json", image }).manifest
      .internal_metadata;

  test("an empty Cmd", () => {
    expect(sdc({ Cmd: [] })).toMatchObject({ "docker:entrypoint": '["/entry"]', "docker:cmd": "[]" });
    expect(engine({ Cmd: [] })).toMatchObject({ "docker:entrypoint": '["/entry"]', "docker:cmd": '["theirs"]' });
  });

  test("an empty Entrypoint", () => {
    expect(() => sdc({ Entrypoint: [] })).toThrow("No command specified");
    expect(engine({ Entrypoint: [] })).toMatchObject({ "docker:entrypoint": "[]", "docker:cmd": '["theirs"]' });
  });

  test("a variable given twice", () => {
    expect(sdc({ Env: ["A=2"] })).toMatchObject({ "docker:env": '["A=1","A=2"]' });
    expect(engine({ Env: ["A=2"] })).toMatchObject({ "docker:env": '["A=2"]' });
  });

  test("another host port", () => {
    const HostConfig = { PortBindings: { "80/tcp": [{ HostPort: "8080" }] } };
    expect(() => sdc({ HostConfig })).toThrow("publish port: remapping of port numbers not allowed");
    expect(engine({ HostConfig, Cmd: ["x"] })).toBeDefined();
  });
});

describe("the way to vmadm", () => {
  test("the VM service's part is done: package values, resolvers, nothing it keeps for itself", () => {
    const { vmadmPayload } = translateToVmadm({ Image: "a", HostConfig: {} }, world(), () => NICS);
    expect(vmadmPayload).toMatchObject({
      max_physical_memory: 1024,
      max_swap: 4096,
      quota: 25,
      cpu_cap: 100,
      nics: NICS,
      resolvers: ["8.8.8.8"],
      archive_on_delete: true,
    });
    for (const key of ["restart_init", "networks", "affinity", "volumes"]) expect(vmadmPayload).not.toHaveProperty(key);
  });

  test("the first nic's route to a network wins", () => {
    const nics = [{ routes: { "10.0.0.0/8": "a" } }, { routes: { "10.0.0.0/8": "b", "172.16.0.0/12": "c" } }];
    expect(translateToVmadm({ Image: "a", HostConfig: {} }, world(), () => nics).vmadmPayload["routes"]).toEqual({
      "10.0.0.0/8": "a",
      "172.16.0.0/12": "c",
    });
  });

  test("a name the VM service would refuse", () => {
    expect(errorOf({ Image: "a", HostConfig: {}, Name: "-x" })).toMatchObject({
      code: "PAYLOAD_INVALID",
      details: { errors: [{ field: "alias", code: "Invalid" }], docker: { status: 409, code: "ValidationFailed" } },
    });
  });

  test("an account that may not provision", () => {
    const account = { ...world().account, login: "bob", approved: false };
    expect(errorOf({ Image: "a", HostConfig: {} }, world({ account }))).toMatchObject({
      message: "bob does not have permission to pull or provision",
      details: { docker: { status: 403, code: "NotAuthorized" } },
    });
  });
});

test("on a node of its own, with its packages and networks, vmadm takes the payload and keeps every value", () => {
  const { packages, image } = world();
  const node = {
    packages,
    packagePrefix: "sample-",
    defaults: { network: "lan" },
    networks: { lan: { nicTag: "admin", vlan: 7, resolvers: ["10.0.0.1"] } },
  };
  const request = { image, newUuid: randomUUID, newName: () => "made_up" };
  const body = { Image: "a", HostConfig: { Memory: 1e8, PortBindings: { "80/tcp": [] } }, Volumes: { "/data": {} } };
  const payload = { ...translateOnNode({ body, ...request }, node).vmadmPayload };
  const own: PayloadWorld = { zpools: ["zones"], imageType: () => "docker" };
  expect(validatePayload({ ...payload }, "lx", "create", own)).toEqual({
    bad_values: [],
    bad_properties: [],
    missing_properties: [],
  });
  const created = normalizeCreatePayload({ ...payload }, own, randomUUID);
  for (const [key, value] of Object.entries(payload))
    if (typeof value === "number") expect(created[key], key).toBe(value);
  expect(payload).toMatchObject({
    alias: "made_up",
    max_physical_memory: 256,
    nics: [{ nic_tag: "admin", ips: ["dhcp"], primary: true, vlan_id: 7 }],
    resolvers: ["10.0.0.1"],
  });
  expect(messageOf(() => translateOnNode({ body, ...request }, { ...node, defaults: {} }))).toContain("network external not found"); // prettier-ignore
});

describe("volumes of others", () => {
  const source = {
    uuid: "71000000-0000-4000-8000-000000000071",
    alias: "db0",
    state: "running",
    docker: true,
    zonepath: "/zones/71000000-0000-4000-8000-000000000071",
    filesystems: [
      { source: "/zones/71000000-0000-4000-8000-000000000071/volumes/90000000-0000-4000-8000-000000000001", target: "/data", type: "lofs", options: [] },
      { source: "/etc", target: "/host", type: "lofs", options: [] },
    ],
    owner_uuid: world().account.uuid,
  }; // prettier-ignore
  const from = (reference: string, zones = [source]) =>
    translateCreate(
      { Image: "a", HostConfig: { VolumesFrom: [reference] }, Volumes: { "/data": {} } },
      world({ zones }),
    ).payload;

  test("are shared, read-only where asked; nothing else of theirs is", () => {
    const { filesystems, internal_metadata } = from("db0:ro");
    expect(filesystems).toEqual([
      { source: source.filesystems[0]?.source, target: "/data", type: "lofs", options: ["ro"] },
    ]);
    expect(internal_metadata["docker:volumesfrom"]).toBe(`["${source.uuid}"]`);
    expect(from("db0").filesystems[0]?.options).toEqual([]);
  });

  test("of other accounts are not", () => {
    const other = [{ ...source, owner_uuid: "00000000-0000-4000-8000-000000000000" }];
    expect(messageOf(() => from("db0", other))).toContain("Owners do not match, cannot --volumes-from");
  });
});

test("a link to a container with an address: variables for each port, and a hosts line", () => {
  const target = {
    uuid: "71000000-0000-4000-8000-000000000071",
    alias: "db0",
    state: "running",
    docker: true,
    hostname: "dbhost",
    nics: [
      { nic_tag: "external", ip: "203.0.113.9", primary: true },
      { nic_tag: "sdc_overlay/1", ip: "10.0.0.9" },
    ],
    internal_metadata: { "docker:env": '["PATH=/bin","X=1"]', "docker:tcp_unpublished_ports": "[5432]" },
  };
  const { payload, links } = translateCreate(
    { Image: "a", Name: "web", HostConfig: { Links: ["db0:the-db"] } },
    world({ zones: [target] }),
  );
  expect(JSON.parse(String(payload.internal_metadata["docker:linkEnv"]))).toEqual([
    "THE_DB_NAME=/web/the-db",
    "THE_DB_ENV_X=1",
    "THE_DB_PORT_5432_TCP=tcp://10.0.0.9:5432",
    "THE_DB_PORT_5432_TCP_ADDR=10.0.0.9",
    "THE_DB_PORT_5432_TCP_PORT=5432",
    "THE_DB_PORT_5432_TCP_PROTO=tcp",
  ]);
  expect(payload.internal_metadata["docker:linkHosts"]).toBe("10.0.0.9\tthe-db dbhost db0\n");
  expect(links).toEqual([
    { containerUuid: payload.uuid, containerName: "web", targetUuid: target.uuid, targetName: "db0", alias: "the-db" },
  ]);
});
