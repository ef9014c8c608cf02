// What a spec asks for is what the platform holds and what the process gets, value by value and byte by byte.
import fc from "fast-check";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { specInput, word } from "../support/arbitrary-specs.ts";
import { TestLab } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());

const MIB = 2 ** 20;
const UNITS: Readonly<Record<string, number>> = { k: 1024, m: MIB, g: 1024 * MIB };
const vmSchema = z.looseObject({
  alias: z.string(),
  tags: z.record(z.string(), z.unknown()),
  internal_metadata: z.record(z.string(), z.unknown()),
});

function bytes(size: string): number {
  return Number(size.slice(0, -1)) * (UNITS[size.slice(-1)] ?? NaN);
}

test("values of created zones are the ones asked for", { timeout: 60_000 }, async () => {
  const specs = fc.sample(specInput, { numRuns: 6, seed: 20261125 }).map((input, i) => ({
    ...input,
    name: `zone${i}`,
    image: "demo:1",
    user: "guest",
    entrypoint: ["sh"],
    command: ["-c", ...(Array.isArray(input.command) ? input.command : [])],
    volumes: [],
    networks: "none",
  }));
  const file = join(lab.work, "specs.json");
  writeFileSync(file, JSON.stringify({ containers: specs }));
  const created = await lab.zonelet("create", "-f", file);
  expect(created, created.stderr).toMatchObject({ status: 0 });
  const looked = await lab.platform("vmadm", "lookup", "-j");
  const zones = new Map(
    z
      .array(vmSchema)
      .parse(JSON.parse(looked.stdout))
      .map((vm) => [vm.alias, vm]),
  );
  for (const spec of specs) {
    const zone = zones.get(spec.name);
    const memory = spec.memory === undefined ? 512 : bytes(spec.memory) / MIB;
    const tmpfs = spec.tmpfs === true ? memory : spec.tmpfs === undefined ? 0 : Math.ceil(bytes(spec.tmpfs) / MIB);
    expect(zone, JSON.stringify(spec)).toMatchObject({
      brand: "lx",
      max_physical_memory: memory,
      max_locked_memory: spec.lockedMemory === undefined ? memory : bytes(spec.lockedMemory) / MIB,
      tmpfs,
      max_lwps: spec.pids ?? 2000,
      quota: spec.disk === undefined ? 10 : bytes(spec.disk) / MIB / 1024,
      zfs_io_priority: spec.ioPriority ?? 100,
      kernel_version: spec.kernelVersion ?? "4.3.0",
      firewall_enabled: spec.firewall ?? false,
      ...(spec.cpus === undefined ? {} : { cpu_cap: Math.round(spec.cpus * 100) }),
      ...(spec.hostname === undefined ? {} : { hostname: spec.hostname }),
      ...(spec.domainname === undefined ? {} : { dns_domain: spec.domainname }),
      ...(spec.dns === undefined ? {} : { resolvers: spec.dns }),
    });
    const metadata = zone?.internal_metadata ?? {};
    expect(JSON.parse(String(metadata["docker:cmd"]))).toEqual(spec.command);
    expect(JSON.parse(String(metadata["docker:env"]))).toEqual(expect.arrayContaining(spec.env ?? []));
    for (const [key, value] of Object.entries(spec.labels ?? {})) expect(zone?.tags[`docker:label:${key}`]).toBe(value);
  }
});

test("arguments and variables reach the process byte for byte", { timeout: 60_000 }, async () => {
  const awkward = [
    "-x",
    "--",
    "",
    " ",
    "a\nb",
    "\t\r\n",
    "'\"`$(id)\\",
    "ü€𝄞 שלום",
    "${HOME}",
    "%s*?[a]",
    "=",
    "\\u0041",
  ];
  const random = fc.sample(word, { numRuns: 40, seed: 20261125 });
  const words = [...awkward, ...random];
  const env = words.map((value, i) => `V${i}=${value}`);
  const command = ["sh", "-c", "cat /proc/$$/cmdline /proc/$$/environ > /out/bytes", "--", ...words];
  const out = join(lab.root, "data/out");
  mkdirSync(out, { recursive: true });
  const file = join(lab.work, "bytes.json");
  writeFileSync(file, JSON.stringify({ image: "demo:1", entrypoint: [], command, env, volumes: ["/data/out:/out"] }));
  const run = await lab.zonelet("run", "--rm", "-f", file);
  expect(run, run.stderr).toMatchObject({ status: 0 });
  const parts = readFileSync(join(out, "bytes"), "utf8").split("\0");
  expect(parts.slice(0, command.length)).toEqual(command);
  expect(parts.slice(command.length)).toEqual(expect.arrayContaining(env));
});

test("label values come back from inspect byte for byte", { timeout: 60_000 }, async () => {
  const values = ["-x", "--", "", " ", "a\nb", "\t\r\n", "'\"`$(id)\\", "ü€𝄞 שלום", "true", "1.10", "="];
  const labels = Object.fromEntries(values.map((value, i) => [`l.${i}/ü`, value]));
  const file = join(lab.work, "labels.json");
  writeFileSync(file, JSON.stringify({ image: "demo:1", name: "labelled", labels }));
  const created = await lab.zonelet("create", "-f", file);
  expect(created, created.stderr).toMatchObject({ status: 0 });
  const inspected = await lab.zonelet("inspect", "-o", "json", "labelled");
  const [vm] = z
    .array(z.looseObject({ labels: z.record(z.string(), z.unknown()) }))
    .parse(JSON.parse(inspected.stdout));
  expect(vm?.labels).toEqual(labels);
});
