// Arguments and payloads: parsing, validation, defaults, the rules of update; pure.
import { describe, expect, test } from "vitest";
import { parseArguments } from "../../../agent/labhost/commands/vmadm/options.ts";
import { normalizeCreatePayload } from "../../../agent/labhost/vm/create-payload.ts";
import type { Payload } from "../../../agent/labhost/vm/json-text.ts";
import { planUpdate } from "../../../agent/labhost/vm/update-plan.ts";
import { validatePayload } from "../../../agent/labhost/vm/validate.ts";
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
