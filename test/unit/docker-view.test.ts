// Zones in the Engine's words: what a create request asked for comes back, and what other tools left does no harm.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { engineEntry } from "../../agent/docker-view/engine-entry.ts";
import { engineInspect } from "../../agent/docker-view/engine-inspect.ts";
import { engineSelect } from "../../agent/docker-view/engine-list.ts";
import { containerFacts } from "../../agent/docker-view/facts.ts";
import { humanDuration } from "../../agent/docker-view/human-duration.ts";
import { sdcEntry } from "../../agent/docker-view/sdc-entry.ts";
import { parseFilters } from "../../agent/docker-view/sdc-filters.ts";
import { sdcInspect } from "../../agent/docker-view/sdc-inspect.ts";
import { sdcSelect } from "../../agent/docker-view/sdc-list.ts";
import { dockerState, statusText } from "../../agent/docker-view/status.ts";
import { NO_SURROUNDINGS } from "../../agent/docker-view/surroundings.ts";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { DockerFilters } from "../../agent/filters/docker-args.ts";
import { normalizeCreatePayload } from "../../agent/labhost/vm/create-payload.ts";
import { isVolume } from "../../agent/labhost/vm/filesystem-source.ts";
import { metadataTextFault } from "../../agent/spec/metadata-text.ts";
import { MIB } from "../../agent/util/units.ts";
import { aVm, UUID } from "../support/builders.ts";
import { aNode, anImage, prepareText } from "../support/spec-builders.ts";

const NOW = new Date("2026-03-01T12:00:00.000Z");
const at = (text: string) => ({ exit_timestamp: text });
const facts = (overrides: Record<string, unknown> = {}) => containerFacts(aVm(overrides));
const ran = { "docker:restartcount": 0 };

describe("state and status", () => {
  test.each([
    [{ state: "running", boot_timestamp: "2026-03-01T11:55:00Z" }, "running", "Up 5 minutes"],
    [{ state: "running" }, "running", "Up"],
    [{}, "created", "Created"],
    [{ exit_status: 0, ...at("2026-03-01T10:00:00Z") }, "exited", "Exited (0) 2 hours ago"],
    // 137 is 128 + KILL; the platform says -9.
    [{ exit_status: -9, ...at("2026-03-01T10:00:00Z") }, "exited", "Exited (137) 2 hours ago"],
    // USR1 is 16 on illumos and 10 on Linux.
    [{ exit_status: -16, ...at("2026-03-01T11:59:59Z") }, "exited", "Exited (138) 1 second ago"],
    [{ internal_metadata: ran }, "exited", "Exited (?)"],
    [
      { autoboot: true, internal_metadata: { ...ran, "docker:restartpolicy": "always" }, exit_status: 1, ...at("2026-03-01T11:59:50Z") },
      "restarting",
      "Restarting (1) 10 seconds ago",
    ],
    [
      { autoboot: true, internal_metadata: { "docker:restartcount": 2, "docker:restartpolicy": "on-failure:2" }, exit_status: 1, ...at("2026-03-01T11:59:50Z") },
      "exited",
      "Exited (1) 10 seconds ago",
    ],
    [{ state: "provisioning" }, "created", "Provisioning"],
    [{ state: "shutting_down", boot_timestamp: "2026-03-01T11:55:00Z" }, "running", "Up 5 minutes (stopping)"],
    [{ state: "failed" }, "dead", "Dead (failed)"],
  ])("%j is %s", (zone, state, status) => {
    expect(dockerState(facts(zone))).toBe(state);
    expect(statusText(facts(zone), NOW)).toBe(status);
  }); // prettier-ignore

  test("a program that never ran has Docker's code, and the platform's stands beside it", () => {
    const zone = aVm({ exit_status: 17, internal_metadata: ran, ...at("2026-03-01T11:00:00Z") });
    const inspect = engineInspect(
      containerFacts(zone, { startFailure: { message: "'x' not found", code: 127 } }),
      NO_SURROUNDINGS,
    );
    expect(inspect["State"]).toMatchObject({ ExitCode: 127, Error: "'x' not found", Status: "exited", Running: false });
    expect(inspect["Zone"]).toMatchObject({ Uuid: UUID, ExitStatus: 17 });
  });

  test.each([
    [0, "Less than a second"],
    [1, "1 second"],
    [59, "59 seconds"],
    [119, "About a minute"],
    [3600, "About an hour"],
    [5400, "2 hours"],
    [47 * 3600, "47 hours"],
    [13 * 86_400, "13 days"],
    [59 * 86_400, "8 weeks"],
    [60 * 86_400, "2 months"],
    [730 * 86_400, "2 years"],
    [-5, "Less than a second"],
  ])("%i seconds are %s", (seconds, text) => {
    expect(humanDuration(seconds * 1000)).toBe(text);
  });
});

describe("the list", () => {
  const zones = [
    facts({ alias: "old", create_timestamp: "2026-01-01T00:00:00Z" }),
    facts({ uuid: "0b9e1c1a-4f0d-4b5e-9a7a-0c8f5f1d2a22", alias: "new", create_timestamp: "2026-02-01T00:00:00Z", state: "running", internal_metadata: { "docker:imagename": "nginx:1" } }),
  ]; // prettier-ignore
  const names = (all: boolean, limit: number | undefined, ...filters: string[]) =>
    engineSelect(zones, { all, limit, filters: DockerFilters.fromOptions(filters) }, { surroundings: () => NO_SURROUNDINGS }).map(({ name }) => name); // prettier-ignore

  test("running ones, all of them, the newest", () => {
    expect(names(false, undefined)).toEqual(["new"]);
    expect(names(true, undefined)).toEqual(["new", "old"]);
    expect(names(false, 0)).toEqual(["new"]);
    expect(names(false, 1)).toEqual(["new"]);
    expect(names(false, 5)).toEqual(["new", "old"]);
  });

  test.each([
    ["status=created", ["old"]],
    ["ancestor=nginx:1", ["new"]],
    ["before=new", []],
    ["exited=0", []],
    ["network=none", []],
  ])("--filter %s", (filter, expected) => {
    expect(names(false, undefined, filter)).toEqual(expected);
  });

  test("before and since with all", () => {
    expect(names(true, undefined, "before=new")).toEqual(["old"]);
    expect(names(true, undefined, "since=old")).toEqual(["new"]);
  });
});

// ---- round trip ------------------------------------------------------------------------------------------------------

const text = fc.string({ unit: "binary", minLength: 1, maxLength: 20 }).filter((one) => metadataTextFault(one) === undefined); // prettier-ignore
const word = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const path = word.map((one) => `/${one}`);
const integer = (min: number, max: number) => fc.integer({ min, max });
const address = integer(2, 250).map((last) => `10.0.0.${last}`);

/** Values a zone can hold exactly: whole MiB, whole percents, weights that are whole shares. */
const body = fc
  .record({
    Image: fc.constant("nginx:1.27"),
    Cmd: fc.array(text, { minLength: 1, maxLength: 4 }),
    Entrypoint: fc.option(fc.array(text, { minLength: 1, maxLength: 2 })),
    Env: fc.uniqueArray(fc.tuple(word, text), { selector: ([name]) => name }).map((all) => all.map(([n, v]) => `${n}=${v}`)), // prettier-ignore
    Labels: fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9.-]{0,15}$/), text),
    User: fc.constantFrom("", "root", "web", "web:logs"),
    WorkingDir: path,
    Hostname: word,
    Domainname: word.filter((one) => one !== "local"),
    Tty: fc.boolean(),
    OpenStdin: fc.boolean(),
    StopSignal: fc.constantFrom("SIGQUIT", "SIGINT", "SIGUSR1"),
    StopTimeout: integer(11, 100),
    Volumes: fc.uniqueArray(path, { minLength: 1, maxLength: 3 }).map((all) => Object.fromEntries(all.map((one) => [`${one}.d`, {}]))), // prettier-ignore
    HostConfig: fc.record({
      Memory: integer(64, 512).map((mib) => mib * MIB),
      MemorySwap: integer(512, 2048).map((mib) => mib * MIB),
      NanoCpus: integer(1, 800).map((percent) => percent * 10_000_000),
      CpuShares: integer(1, 1000).map((shares) => Math.round((shares * 1024) / 100)).filter((weight) => weight > 1),
      PidsLimit: integer(16, 5000),
      BlkioWeight: integer(2, 200).map((priority) => priority * 5),
      RestartPolicy: fc.oneof(
        fc.constantFrom("no", "always").map((Name) => ({ Name, MaximumRetryCount: 0 })),
        integer(0, 9).map((MaximumRetryCount) => ({ Name: "on-failure", MaximumRetryCount })),
      ),
      Dns: fc.uniqueArray(address, { minLength: 1, maxLength: 3 }),
      DnsSearch: fc.uniqueArray(word, { minLength: 1, maxLength: 3 }),
      ExtraHosts: fc.uniqueArray(word, { minLength: 1, maxLength: 3 }).map((all) => all.map((one) => `${one}:10.9.9.9`)), // prettier-ignore
      Binds: fc.uniqueArray(word, { minLength: 1, maxLength: 3 }).map((all) => all.map((one, i) => `/data/${one}:/mnt/${one}${i % 2 === 0 ? ":ro" : ""}`)), // prettier-ignore
      LogConfig: fc.constantFrom(
        { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } },
        { Type: "none", Config: {} },
      ),
      NetworkMode: fc.constant("lan"),
    }),
    NetworkingConfig: address.map((IPv4Address) => ({ EndpointsConfig: { lan: { IPAMConfig: { IPv4Address } } } })),
  })
  .map((request) => JSON.stringify(request)); // prettier-ignore

/** As vmadm would show the zone of a payload. */
function zoneOf(request: string) {
  const prepared = prepareText(request, { name: "body.json", image: anImage(), node: aNode() });
  const world = { zpools: ["zones"], imageType: () => "docker" };
  const payload = normalizeCreatePayload({ ...prepared.manifest }, world, () => UUID);
  const zonepath = `/zones/${prepared.manifest.uuid}`;
  const filesystems = z.array(z.looseObject({ source: z.string() })).parse(payload["filesystems"]);
  return {
    ...payload,
    uuid: prepared.manifest.uuid,
    state: "stopped",
    zonepath,
    filesystems: filesystems.map((fs) => ({
      ...fs,
      source: isVolume(fs) ? `${zonepath}/volumes/${fs.source}` : fs.source,
    })),
  };
}

test("what a create request asks for is what inspect shows", () => {
  fc.assert(
    fc.property(body, (request) => {
      const { HostConfig: host, NetworkingConfig: networking, ...config } = z
        .object({ HostConfig: z.record(z.string(), z.unknown()), NetworkingConfig: z.unknown() })
        .catchall(z.unknown())
        .parse(JSON.parse(request)); // prettier-ignore
      const networkName = () => "lan";
      const shown = engineInspect(containerFacts(zoneOf(request)), { ...NO_SURROUNDINGS, networkName });
      expect(shown["Config"]).toMatchObject(config);
      expect(shown["HostConfig"]).toMatchObject(host);
      const { EndpointsConfig } = z.object({ EndpointsConfig: z.unknown() }).parse(networking);
      expect(shown["NetworkSettings"]).toMatchObject({ Networks: EndpointsConfig });
    }),
  );
});

// ---- what other tools may have left ----------------------------------------------------------------------------------

const KEYS = ["alias", "state", "hostname", "dns_domain", "nics", "filesystems", "resolvers", "tags", "internal_metadata", "exit_status", "exit_timestamp", "boot_timestamp", "create_timestamp", "pid", "zonepath", "max_physical_memory", "quota", "billing_id", "autoboot"]; // prettier-ignore
const METADATA = ["id", "cmd", "entrypoint", "env", "user", "workdir", "tty", "restartpolicy", "restartcount", "logdriver", "logconfig", "dnssearch", "extraHosts", "tcp_unpublished_ports", "volumesfrom", "imagename", "imageid"]; // prettier-ignore
const hostile = fc.oneof(fc.jsonValue(), fc.json(), fc.constantFrom("__proto__", "[1,2]", '["a"]', "always", "-9"));
const zone = fc
  .tuple(
    fc.dictionary(fc.constantFrom(...KEYS), hostile),
    fc.option(fc.dictionary(fc.oneof(fc.constantFrom(...METADATA).map((key) => `docker:${key}`), fc.string()), hostile)),
    fc.option(fc.dictionary(fc.oneof(fc.string(), fc.string().map((key) => `docker:label:${key}`)), hostile)),
    fc.option(fc.array(fc.dictionary(fc.constantFrom("source", "target", "options", "type", "ips", "ip", "netmask", "mac"), hostile))),
    fc.constantFrom("running", "stopped", "provisioning", "failed", "ready", "", "teleporting"),
  )
  .map(([loose, metadata, tags, lists, state]) => ({
    ...loose,
    ...(metadata === null ? {} : { internal_metadata: metadata }),
    ...(tags === null ? {} : { tags }),
    ...(lists === null ? {} : { filesystems: lists, nics: lists }),
    uuid: UUID,
    state,
  })); // prettier-ignore

test("no zone is so odd that it cannot be shown", () => {
  fc.assert(
    fc.property(zone, fc.string(), (record, rule) => {
      const one = containerFacts(record);
      const around = { ...NO_SURROUNDINGS, firewallRules: [rule, `FROM any TO vm ${UUID} ALLOW tcp ${rule}`] };
      for (const document of [
        engineInspect(one, around),
        sdcInspect(one, around),
        engineEntry(one, around, NOW),
        sdcEntry(one, around, NOW),
      ])
        expect(JSON.parse(JSON.stringify(document))).toHaveProperty("Id");
      expect(statusText(one, NOW)).not.toMatch(/undefined|NaN|object/);
    }),
  );
});

test("no filter raises anything but a refusal", () => {
  const key = fc.constantFrom("status", "label", "name", "id", "exited", "before", "since", "x", "publish", "is-task");
  fc.assert(
    fc.property(fc.array(zone, { maxLength: 3 }), fc.array(fc.tuple(key, fc.string())), fc.jsonValue(), (records, pairs, any) => {
      const containers = records.map((record) => containerFacts(record));
      const engine = () => engineSelect(containers, { all: true, filters: DockerFilters.fromOptions(pairs.map(([k, v]) => `${k}=${v}`)) }, { surroundings: () => NO_SURROUNDINGS });
      const sdc = () => sdcSelect(containers, { all: true, filters: parseFilters(JSON.stringify(any)) });
      const given = () => sdcSelect(containers, { all: true, filters: Object.fromEntries(pairs.map(([k, v]) => [k, [v]])) });
      for (const work of [engine, sdc, given])
        try {
          work();
        } catch (error) {
          expect(error).toBeInstanceOf(AgentError);
        }
    }),
  ); // prettier-ignore
});
