// The zone object and what is told of it: states, exit records, nics, filters, tables, changes, events; pure.
import { describe, expect, test } from "vitest";
import { diffVms, prettyPath } from "../../../agent/labhost/vm/diff.ts";
import { eventLines, type VmEvent } from "../../../agent/labhost/vm/event-text.ts";
import { parseExitRecord } from "../../../agent/labhost/vm/exit-record.ts";
import { matchesAll, parseFilters } from "../../../agent/labhost/vm/filters.ts";
import type { Payload } from "../../../agent/labhost/vm/json-text.ts";
import { electPrimary, nicForDisplay } from "../../../agent/labhost/vm/nics.ts";
import { deriveState } from "../../../agent/labhost/vm/state.ts";
import { formatTable, parseColumns } from "../../../agent/labhost/vm/table.ts";
import { eventsBetween } from "../../../agent/labhost/vm/zone-events.ts";

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
