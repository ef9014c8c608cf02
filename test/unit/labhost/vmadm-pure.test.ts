// The pure parts below vmadm: argument parsing, validation, states, exit records, changes and event lines.
import { describe, expect, test } from "vitest";
import { parseArguments } from "../../../agent/labhost/commands/vmadm/options.ts";
import { normalizeCreatePayload } from "../../../agent/labhost/vm/create-payload.ts";
import { diffVms, prettyPath } from "../../../agent/labhost/vm/diff.ts";
import { eventLines, type VmEvent } from "../../../agent/labhost/vm/event-text.ts";
import { parseExitRecord } from "../../../agent/labhost/vm/exit-record.ts";
import { matchesAll, parseFilters } from "../../../agent/labhost/vm/filters.ts";
import type { Payload } from "../../../agent/labhost/vm/json-text.ts";
import { electPrimary, nicForDisplay } from "../../../agent/labhost/vm/nics.ts";
import { deriveState } from "../../../agent/labhost/vm/state.ts";
import { formatTable, parseColumns } from "../../../agent/labhost/vm/table.ts";
import { planUpdate } from "../../../agent/labhost/vm/update-plan.ts";
import { validatePayload } from "../../../agent/labhost/vm/validate.ts";
import { eventsBetween } from "../../../agent/labhost/vm/zone-events.ts";
import { UncaughtError } from "../../../agent/labhost/vm/vm-error.ts";

const IMAGE = "1236eb25-b04d-c68a-150a-8a0ec3befbc9";
const world = { zpools: ["zones"], imageType: (uuid: string) => (uuid === IMAGE ? "docker" : undefined) };
const minimal: Payload = { brand: "lx", image_uuid: IMAGE, kernel_version: "4.3.0" };

describe("arguments", () => {
  const spec = {
    force: { kind: "flag", short: "F" },
    timeout: { kind: "number", short: "t" },
    json: { kind: "flag", short: "j" },
    ready: { kind: "flag", short: "r" },
    file: { kind: "text", short: "f" },
  } as const;

  test.each<[string[], Payload, string[]]>([
    [["U", "-F"], { force: true }, ["U"]],
    [["-F", "U"], { force: true }, ["U"]],
    [["--for", "U"], { force: true }, ["U"]],
    [["-F", "false", "U"], { force: false }, ["U"]],
    [["-t", "20", "U"], { timeout: 20 }, ["U"]],
    [["--timeout=20", "U"], { timeout: 20 }, ["U"]],
    [["-t", "abc", "U"], {}, ["U"]],
    [["-jr"], { json: true, ready: true }, []],
    [["-x", "U"], {}, []],
    [["-v", "-d", "U"], { verbose: true, debug: true }, ["U"]],
    [["--", "-F"], {}, ["-F"]],
    [["-f", "-"], { file: "-" }, []],
    [["-f", "a=b", "c=d"], { file: "a=b" }, ["c=d"]],
  ])("%j", (args, options, words) => {
    expect(parseArguments(args, spec)).toEqual({ options, words });
  });
});

describe("validate", () => {
  test.each<[string, Payload, Payload]>([
    ["a minimal payload", {}, {}],
    ["numbers as text", { quota: "10", cpu_cap: "150" }, {}],
    ["a string as list", { resolvers: "8.8.8.8,,::1" }, {}],
    ["0 as boolean", { autoboot: 0 }, { bad_values: ["autoboot"] }],
    ["1 as boolean", { autoboot: 1 }, {}],
    ["a number as string", { alias: 5 }, { bad_values: ["alias"] }],
    ["null as string", { alias: null }, {}],
    ["a fraction", { quota: 5.5 }, { bad_values: ["quota"] }],
    ["a boolean as integer", { quota: true }, { bad_values: ["quota"] }],
    ["an upper-case uuid", { uuid: IMAGE.toUpperCase() }, { bad_values: ["uuid"] }],
    ["a comma in a list item", { limit_priv: ["a,b"] }, { bad_values: ["limit_priv"] }],
    ["null in metadata", { internal_metadata: { a: null } }, { bad_values: ["internal_metadata"] }],
    ["an unknown key", { colour: "red" }, { bad_properties: ["colour"] }],
    ["a key of other brands", { vcpus: 2 }, { bad_properties: ["vcpus"] }],
    ["a key of update", { set_tags: {} }, { bad_properties: ["set_tags"] }],
    ["a key that is both", { vcpus: "x" }, { bad_values: ["vcpus"], bad_properties: ["vcpus"] }],
    [
      "an image that is not there",
      { image_uuid: "1236eb25-b04d-c68a-150a-8a0ec3befbc8" },
      { bad_values: ["image_uuid"] },
    ],
    [
      "missing keys",
      { image_uuid: undefined, kernel_version: "" },
      { missing_properties: ["image_uuid", "kernel_version"] },
    ],
    [
      "nested keys, once each",
      {
        nics: [
          { physical: "a", mtu: 9 },
          { physical: "b", mtu: 10000 },
        ],
      },
      { bad_values: ["nics.*.mtu"], bad_properties: ["nics.*.physical"] },
    ],
    ["no list of nics", { nics: "x" }, { bad_values: ["nics"] }],
  ])("%s", (_name, changes, problems) => {
    const payload = Object.fromEntries(
      Object.entries({ ...minimal, ...changes }).filter(([, value]) => value !== undefined),
    );
    expect(validatePayload(payload, "lx", "create", world)).toEqual({
      bad_values: [],
      bad_properties: [],
      missing_properties: [],
      ...problems,
    });
  });

  test("the keys come in the order the platform prints them", () => {
    const result = validatePayload({ alias: 1, x: 1 }, "lx", "create", world)!;
    expect(Object.keys(result)).toEqual(["bad_values", "bad_properties", "missing_properties"]);
  });

  test("an unknown brand is another answer, an unknown action makes every key bad", () => {
    expect(validatePayload({}, "zzz", "create", world)).toBeUndefined();
    expect(validatePayload({ alias: "a" }, "lx", "frob", world)).toMatchObject({ bad_properties: ["alias"] });
  });

  test("nothing is required on update, and create's own keys are bad", () => {
    expect(validatePayload({ nics: [] }, "lx", "update", world)).toEqual({
      bad_values: [],
      bad_properties: ["nics"],
      missing_properties: [],
    });
  });
});

describe("create payload", () => {
  const uuid = "5c3f0a1e-7b52-4d18-9e0c-2f6a8b1d4e70";
  const normalize = (changes: Payload): Payload =>
    normalizeCreatePayload({ ...minimal, ...changes }, world, () => uuid);

  test.each<[Payload, Payload]>([
    [{ ram: 512 }, { max_physical_memory: 512, max_swap: 512 }],
    [{ max_physical_memory: 1024, max_swap: 512 }, { max_swap: 1024 }],
    [{ max_physical_memory: 1024, max_locked_memory: 4096 }, { max_locked_memory: 1024 }],
    [{ cpu_shares: 70000 }, { cpu_shares: 65535 }],
    [{ quota: null }, { quota: 0 }],
    [{ quota: "" }, { quota: 0 }],
    [{ max_lwps: null }, { max_lwps: 2000 }],
    [{ limit_priv: "default,sys_time" }, { limit_priv: ["default", "sys_time"] }],
    [{ docker: true, internal_metadata_namespaces: ["a"] }, { internal_metadata_namespaces: ["a", "docker"] }],
    [{ docker: true, restart_init: true }, { restart_init: false }],
    [{ docker: true, init_name: "/sbin/x" }, { init_name: "/sbin/x" }],
    [{ dataset_uuid: IMAGE, image_uuid: undefined }, { image_uuid: IMAGE }],
  ])("%j", (changes, expected) => {
    expect(normalize(changes)).toMatchObject(expected);
  });

  test("drops what it does not know, nested, too", () => {
    const result = normalize({ colour: 1, nics: [{ nic_tag: "admin", ips: ["dhcp"], model: "virtio" }] });
    expect(result).not.toHaveProperty("colour");
    expect(result["nics"]).toEqual([{ nic_tag: "admin", ips: ["dhcp"] }]);
  });

  test("an unknown brand and a zonename that is no uuid are not caught by the platform", () => {
    expect(() => normalize({ brand: "zzz" })).toThrow(UncaughtError);
    expect(() => normalize({ zonename: "web" })).toThrow(UncaughtError);
  });
});

describe("state", () => {
  test.each([
    [{ zoneState: "installed", provisioning: false, failed: false }, "stopped"],
    [{ zoneState: "running", provisioning: false, failed: false }, "running"],
    [{ zoneState: "shutting_down", provisioning: false, failed: false }, "shutting_down"],
    [{ zoneState: "configured", provisioning: true, failed: false }, "configured"],
    [{ zoneState: "installed", provisioning: true, failed: false }, "provisioning"],
    [{ zoneState: "running", provisioning: true, failed: false }, "running"],
    [{ zoneState: "running", provisioning: true, failed: true }, "failed"],
  ])("%j is %s", (input, state) => {
    expect(deriveState(input)).toEqual({ state });
  });

  test("a transition names the state, what it leads to and until when", () => {
    const transition = "provisioning:running:1746177592000";
    expect(deriveState({ zoneState: "running", provisioning: false, failed: false, transition })).toEqual({
      state: "provisioning",
      transition_to: "running",
      transition_expire: 1746177592000,
    });
  });
});

describe("exit record", () => {
  test.each([
    ["1715679999.81034 768\n", 3, "2024-05-14T09:46:39.810Z"],
    ["1715679999.5000 3328\n", 13, "2024-05-14T09:46:39.500Z"],
    ["1715679999.000001 9\n", -9, "2024-05-14T09:46:39.000Z"],
    ["1715679999.1 139\n", -139, "2024-05-14T09:46:39.100Z"],
    ["1715679999.1 -1\n", 0, "2024-05-14T09:46:39.100Z"],
  ])("%j", (text, exit_status, exit_timestamp) => {
    expect(parseExitRecord(text)).toEqual({ exit_status, exit_timestamp });
  });

  test.each(["", "1715679999 768\n", "x.y 1\n"])("%j is none", (text) => {
    expect(parseExitRecord(text)).toBeUndefined();
  });
});

describe("nics", () => {
  test.each<[Payload, Payload]>([
    [{ ips: ["dhcp"] }, { ip: "dhcp", ips: ["dhcp"] }],
    [
      { ips: ["fd00::1/64", "10.0.0.5/8"] },
      { ip: "10.0.0.5", netmask: "255.0.0.0", ips: ["fd00::1/64", "10.0.0.5/8"] },
    ],
    [
      { ips: ["fd00::1/64"], vlan_id: 0 },
      { vlan_id: 0, ips: ["fd00::1/64"] },
    ],
  ])("%j is shown as", (nic, shown) => {
    const fixed = { interface: "eth0", mac: "82:0d:b4:30:56:bb", nic_tag: "admin" };
    expect(nicForDisplay({ ...fixed, ...nic })).toEqual({ ...fixed, ...shown });
  });

  test("after the primary went, a public address wins", () => {
    const nics = [{ ips: ["10.0.0.1/24"] }, { ips: ["192.0.2.1/24"] }, { ips: ["dhcp"] }];
    expect(electPrimary(nics)[1]).toMatchObject({ primary: true });
    expect(electPrimary(nics.slice(2))).toEqual(nics.slice(2));
  });
});

describe("memory on update", () => {
  const vm = {
    brand: "lx",
    nics: [],
    max_physical_memory: 1024,
    max_locked_memory: 1024,
    max_swap: 2048,
    tmpfs: 512,
    max_shm_memory: 1024,
  };

  test.each<[Payload, Payload]>([
    [
      { max_physical_memory: 2048 },
      { max_physical_memory: 2048, max_locked_memory: 2048, max_swap: 3072, tmpfs: 1024 },
    ],
    [{ ram: 2048 }, { max_physical_memory: 2048, max_swap: 3072 }],
    [{ max_physical_memory: 2048, max_swap: 2100 }, { max_swap: 2100 }],
    [{ alias: "x" }, { alias: "x" }],
  ])("%j", (payload, properties) => {
    const plan = planUpdate(vm, payload, world, () => "");
    expect(plan.properties).toMatchObject(properties);
    expect(plan.properties).not.toHaveProperty("max_shm_memory");
  });
});

describe("update of docker", () => {
  const vm = { uuid: "5c3f0a1e-7b52-4d18-9e0c-2f6a8b1d4e70", brand: "lx", nics: [], internal_metadata: {} };

  test("sets what create would have, replacing a namespace list without docker", () => {
    const plan = planUpdate({ ...vm, internal_metadata_namespaces: ["a"] }, { docker: true }, world, () => "tail");
    expect(plan.properties).toMatchObject({
      docker: true,
      restart_init: false,
      init_name: "/native/usr/vm/sbin/dockerinit",
      internal_metadata_namespaces: ["docker"],
      zlog_mode: "g--",
    });
    expect(plan.internalMetadata.set).toEqual({ "docker:id": "5c3f0a1e7b524d189e0c2f6a8b1d4e70tail" });
    expect(plan.filesystems).toBeUndefined();
  });

  test("false takes the flag away and nothing else", () => {
    const plan = planUpdate({ ...vm, docker: true, zlog_mode: "g--" }, { docker: false }, world, () => "");
    expect(plan.properties).toEqual({ docker: false });
  });

  test("keys that cannot change are waited for only where the zone has them", () => {
    const payload = { image_uuid: IMAGE, snapshots: [], brand: "lx", tags: {}, colour: 1, pid: 3 };
    expect(planUpdate({ ...vm, image_uuid: IMAGE, snapshots: [] }, payload, world, () => "").stuck).toEqual([
      "image_uuid",
      "snapshots",
    ]);
  });
});

describe("filters", () => {
  const vm = {
    alias: "web-1",
    autoboot: false,
    nics: [
      { mac: "02:00:00:00:00:01", ip: "10.0.0.1" },
      { mac: "02:00:00:00:00:02", ip: "10.0.0.2" },
    ],
    tags: { role: "web", "a.b": "x" },
  };

  test.each([
    ["alias=web-1", true],
    ["alias=web", false],
    ["alias=~WEB", true],
    ["autoboot=false", true],
    ["nics.*.ip=10.0.0.2", true],
    ["nics.0.ip=10.0.0.2", false],
    ["nics.*.mac=2:0:0:0:0:2", true],
    ["tags.role=web", true],
    ["tags.a.b=x", false],
    ["hostname=x", false],
  ])("%s", (filter, matches) => {
    expect(matchesAll(vm, parseFilters([filter], "list"))).toBe(matches);
  });

  test.each(["state!=x", "color=red", "nics.*.ips=x", "nics.x.ip=1", "tags=1", "alias"])(
    "%s is no filter",
    (filter) => {
      const key = filter.split("=")[0] ?? "";
      expect(() => parseFilters([filter], "list")).toThrow(`Invalid filter key: "${key}"`);
    },
  );
});

describe("table", () => {
  const vms = [
    { uuid: "b", max_swap: 0, tags: { a: "1" }, docker: false },
    { uuid: "a", max_swap: 5, docker: true },
  ];
  const table = (order: string, sort?: string): string =>
    formatTable(vms, parseColumns(order, sort), { parsable: false, header: true });

  test("shows absent, empty and false as -, and 0 as 0", () => {
    expect(table("max_swap,docker,tags.a")).toBe(
      "MAX_SWAP  DOCKER  TAGS.A\n0         -       1\n5         true    -\n",
    );
  });

  test("sorts only by what it shows", () => {
    const uuids = (text: string): string[] => text.split("\n").slice(1, 3);
    expect(uuids(table("uuid")).map((line) => line.trim())).toEqual(["a", "b"]);
    expect(uuids(table("uuid", "-uuid")).map((line) => line.trim())).toEqual(["b", "a"]);
    expect(uuids(table("uuid", "max_swap")).map((line) => line.trim())).toEqual(["b", "a"]);
  });

  test.each([
    ["nics.*.ip", undefined, 'Invalid order key: "nics.*.ip"'],
    ["uuid", "nics.*.ip", 'Invalid sort key: "nics.*.ip"'],
    ["x", undefined, "invalid order field: x"],
    ["uuid", "x", "invalid sort field: x"],
  ])("%s, %s", (order, sort, message) => {
    expect(() => parseColumns(order, sort)).toThrow(message);
  });
});

describe("changes", () => {
  test.each<[string, Payload, Payload, unknown[]]>([
    ["nothing", { a: [1] }, { a: [1] }, []],
    [
      "scalars",
      { state: "running", pid: 1 },
      { state: "stopped", exit_status: 0 },
      [
        { prettyPath: "state", path: ["state"], action: "changed", oldValue: "running", newValue: "stopped" },
        { prettyPath: "pid", path: ["pid"], action: "removed", oldValue: 1 },
        { prettyPath: "exit_status", path: ["exit_status"], action: "added", newValue: 0 },
      ],
    ],
    [
      "keys with dots, brackets and colons",
      { tags: {} },
      { tags: { "com.example": 1, "a[0]": 2, "docker:x": 3 } },
      [
        { prettyPath: "tags[com.example]", path: ["tags", "com.example"], action: "added", newValue: 1 },
        { prettyPath: "tags[a\\[0\\]]", path: ["tags", "a[0]"], action: "added", newValue: 2 },
        { prettyPath: "tags.docker:x", path: ["tags", "docker:x"], action: "added", newValue: 3 },
      ],
    ],
    [
      "nics by mac",
      { nics: [{ mac: "a", ip: "1", ips: ["1/8"] }, { mac: "b" }] },
      { nics: [{ mac: "c" }, { mac: "a", ip: "2", ips: ["2/8"] }] },
      [
        {
          prettyPath: "nics.*.ip",
          path: ["nics", null, "ip"],
          action: "changed",
          oldValue: "1",
          newValue: "2",
          ident: "a",
        },
        {
          prettyPath: "nics.*.ips.*",
          path: ["nics", null, "ips", null],
          action: "removed",
          oldValue: "1/8",
          ident: "a",
        },
        { prettyPath: "nics.*.ips.*", path: ["nics", null, "ips", null], action: "added", newValue: "2/8", ident: "a" },
        { prettyPath: "nics.*", path: ["nics", null], action: "removed", oldValue: { mac: "b" }, ident: "b" },
        { prettyPath: "nics.*", path: ["nics", null], action: "added", newValue: { mac: "c" }, ident: "c" },
      ],
    ],
    [
      "elements of other arrays",
      { resolvers: ["1.1.1.1", "8.8.8.8"] },
      { resolvers: ["8.8.8.8", "9.9.9.9"] },
      [
        { prettyPath: "resolvers.*", path: ["resolvers", null], action: "removed", oldValue: "1.1.1.1" },
        { prettyPath: "resolvers.*", path: ["resolvers", null], action: "added", newValue: "9.9.9.9" },
      ],
    ],
  ])("%s", (_name, before, after, changes) => {
    expect(diffVms(before, after)).toEqual(changes);
  });

  test("a key alone with a dot", () => expect(prettyPath(["a.b"])).toBe("[a.b]"));
});

describe("events", () => {
  const date = "2025-05-02T09:14:01.456Z";
  const uuid = "7b9e1c1a-4f0d-4b5e-9a7a-0c8f5f1d2a11";

  test("come from what is new, different and gone", () => {
    const before = new Map<string, Payload>([
      ["a", { state: "running" }],
      ["b", {}],
      ["d", { x: 1 }],
    ]);
    const after = new Map<string, Payload>([
      ["a", { state: "stopped" }],
      ["c", { y: 2 }],
      ["d", { x: 1 }],
    ]);
    expect(eventsBetween(before, after, date)).toEqual([
      {
        type: "modify",
        date,
        zonename: "a",
        uuid: "a",
        vm: { state: "stopped" },
        changes: [
          { prettyPath: "state", path: ["state"], action: "changed", oldValue: "running", newValue: "stopped" },
        ],
      },
      { type: "create", date, zonename: "c", uuid: "c", vm: { y: 2 } },
      { type: "delete", date, zonename: "b", uuid: "b" },
    ]);
  });

  const modify: VmEvent = {
    type: "modify",
    date,
    zonename: uuid,
    uuid,
    vm: {},
    changes: diffVms({ state: "running", pid: 3 }, { state: "stopped" }),
  };

  test.each<[VmEvent, string | undefined, boolean, string[]]>([
    [
      modify,
      "web-1",
      false,
      [
        '[09:14:01.456Z] 7b9e1c1a web-1 modify: state changed :: "running" -> "stopped"',
        "[09:14:01.456Z] 7b9e1c1a web-1 modify: pid removed :: 3 -> undefined",
      ],
    ],
    [{ type: "delete", date, zonename: uuid, uuid }, undefined, false, ["[09:14:01.456Z] 7b9e1c1a - delete"]],
    [
      { type: "create", date, zonename: uuid, uuid, vm: {} },
      "x".repeat(31),
      true,
      [`[${date}] ${uuid} ${"x".repeat(27)}... create`],
    ],
    [{ type: "ready", date, uuid: "s", vms: {} }, undefined, false, ["[09:14:01.456Z] ready"]],
    [{ type: "ready", date, uuid: "s", vms: {} }, undefined, true, [`[${date}] ready (uuid s)`]],
  ])("%j for %s", (event, alias, full, lines) => {
    expect(eventLines(event, alias, full)).toEqual(lines);
  });
});
