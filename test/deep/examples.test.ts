// Every example of manifests/examples is created and started as it stands, looked at, and removed.
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { writeBusyboxImage } from "../support/busybox-image.ts";
import { eventually } from "../support/eventually.ts";
import { TestLab } from "../support/lab.ts";

const EXAMPLES = join(import.meta.dirname, "../../manifests/examples");

/** The node the comments of the examples speak of. */
const CONFIG = `version: 1
networks:
  lan: { nicTag: external, subnet: 10.0.0.0/24, gateway: 10.0.0.1, resolvers: [10.0.0.1] }
mounts: { allowedRoots: [/data] }
`;

/** The images the examples name: one image with stand-ins for the programs of the real ones. */
const IMAGES = [
  "busybox",
  "busybox:1.36",
  "demo:1",
  "konradkleine/docker-registry-frontend:v1",
  "nginx:1.27",
  "redis:7",
  "registry:0.9.1",
];
const PROGRAMS = [
  "/bin/httpd",
  "/bin/redis-server",
  "/docker-registry/entry.sh",
  "/root/start-apache.sh",
  "/usr/sbin/nginx",
];

/** Said and gone again. */
const ONCE: Readonly<Record<string, string>> = {
  "hello.json": "hello from a zone, told in JSON\n",
  "hello.yaml": "hello from a zone\n",
};

interface Lasting {
  /** The container that goes on running. */
  readonly name: string | undefined;
  /** In its log: the command the program was started with. */
  readonly says: string | undefined;
  readonly platform: Readonly<Record<string, unknown>>;
  /** What to remove; default: the container. */
  readonly remove?: string;
}

const GATEWAY = { gateway: "10.0.0.1", primary: true };
const OF_2016 = { max_physical_memory: 1024, max_swap: 16384, cpu_cap: 100, quota: 10, kernel_version: "3.13.0" };
const LASTING: Readonly<Record<string, Lasting>> = {
  "appc-image.yaml": {
    name: "busybox",
    says: "/bin/httpd -f -p 8080",
    platform: { max_physical_memory: 62 },
  },
  "appc-pod.yaml": {
    name: "front",
    says: "/usr/sbin/nginx -g daemon off;",
    platform: { max_physical_memory: 256, cpu_cap: 50, cpu_shares: 50 },
  },
  "compose.yaml": {
    name: "shop-web",
    says: "/usr/sbin/nginx -g daemon off;",
    platform: {
      max_physical_memory: 256,
      cpu_cap: 150,
      max_lwps: 400,
      filesystems: expect.arrayContaining([
        { type: "lofs", source: "/data/site", target: "/usr/share/nginx/html", options: ["ro", "nodevices"] },
      ]),
    },
  },
  "docker-create.yaml": {
    name: undefined,
    says: "/bin/redis-server --save ",
    platform: { max_physical_memory: 256, max_swap: 512, cpu_cap: 50, max_lwps: 256, zlog_max_size: 10_000_000 },
  },
  "k8s-pod.yaml": {
    name: "site",
    says: "/usr/sbin/nginx -g daemon off;",
    platform: { max_physical_memory: 256, cpu_cap: 50 },
  },
  "compose-volumes.yaml": {
    name: "ledger-reader",
    says: "entry",
    platform: {},
    remove: "ledger",
  },
  "oci-runtime.yaml": {
    name: undefined,
    says: undefined,
    platform: { hostname: "box", max_physical_memory: 128, max_swap: 256, cpu_cap: 50, max_lwps: 128 },
  },
  "registry.json": {
    name: "dockerregistry",
    says: "/docker-registry/entry.sh ",
    platform: { ...OF_2016, nics: [expect.objectContaining({ ...GATEWAY, ip: "10.0.0.20" })] },
  },
  "shared-pod.yaml": {
    name: "report-main",
    says: "prepared",
    platform: {},
    remove: "report",
  },
  "viewer.json": {
    name: "dockerviewer1",
    says: "/root/start-apache.sh ",
    platform: { ...OF_2016, nics: [expect.objectContaining({ ...GATEWAY, ip: "10.0.0.21" })] },
  },
  "vmadm.yaml": {
    name: "cache",
    says: "/bin/redis-server --save ",
    platform: {
      max_physical_memory: 256,
      cpu_cap: 50,
      quota: 5,
      nics: [expect.objectContaining({ ...GATEWAY, ips: ["10.0.0.40/24"] })],
    },
  },
  "web.yaml": {
    name: "web",
    says: "/usr/sbin/nginx -g daemon off;",
    platform: {
      hostname: "web.example.org",
      max_physical_memory: 256,
      cpu_cap: 50,
      max_lwps: 200,
      quota: 2,
      zlog_max_size: 10_000_000,
      nics: [expect.objectContaining({ ...GATEWAY, ips: ["10.0.0.30/24"] })],
    },
  },
};

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create({ image: false, config: CONFIG });
  for (const directory of ["web", "site"]) mkdirSync(join(lab.root, "data", directory), { recursive: true });
  const archive = join(lab.work, "images.tar");
  const config = { Env: ["PATH=/usr/sbin:/bin"], Cmd: ["nginx", "-g", "daemon off;"] };
  await writeBusyboxImage(archive, IMAGES, { standIns: PROGRAMS, config });
  const loaded = await lab.zonelet("load", "-q", "-i", archive);
  expect(loaded, loaded.stderr).toMatchObject({ status: 0 });
});
afterAll(() => lab.destroy());

test("every example has its line here", () => {
  expect(readdirSync(EXAMPLES).sort()).toEqual([...Object.keys(ONCE), ...Object.keys(LASTING)].sort());
});

test.each(Object.entries(ONCE))("%s is run and leaves nothing", async (file, says) => {
  const run = await lab.zonelet("run", "-f", join(EXAMPLES, file));
  expect(run).toEqual({ status: 0, signal: null, stdout: says, stderr: "" });
  expect(lab.zoneUuids()).toEqual([]);
});

describe("side by side", () => {
  /** Docker ids by file: the container that goes on running is started last. */
  const started = new Map<string, string>();
  const vmSchema = z.looseObject({ uuid: z.string(), internal_metadata: z.record(z.string(), z.unknown()) });
  const running = new Map<string, z.infer<typeof vmSchema>>();

  test.each(Object.keys(LASTING))("%s is started", async (file) => {
    const run = await lab.zonelet("run", "-d", "-f", join(EXAMPLES, file));
    expect(run, run.stderr).toMatchObject({ status: 0 });
    started.set(file, run.stdout.trim().split("\n").at(-1) ?? "");
  });

  test("all of them run", async () => {
    const looked = await lab.platform("vmadm", "lookup", "-j", "state=running");
    for (const vm of z.array(vmSchema).parse(JSON.parse(looked.stdout)))
      running.set(String(vm.internal_metadata["docker:id"]), vm);
    expect([...running.keys()].sort()).toEqual([...started.values()].sort());
  });

  test.each(Object.entries(LASTING))("%s has what it asks for", async (file, { name, says, platform }) => {
    const vm = running.get(started.get(file) ?? "");
    expect(vm).toMatchObject({ ...platform, ...(name === undefined ? {} : { alias: name }) });
    if (says === undefined) return;
    const log = join(lab.root, "zones", vm?.uuid ?? "", "logs/stdio.log");
    const said = (): boolean => existsSync(log) && readFileSync(log, "utf8").includes(says);
    await eventually(said, { what: `the log of ${file} has ${says}` });
  });

  test("removed, nothing is left of them", async () => {
    const alone = Object.entries(LASTING).map(([file, { remove }]) => remove ?? started.get(file) ?? "");
    const removed = await lab.zonelet("rm", "-f", ...alone);
    expect(removed, removed.stderr).toMatchObject({ status: 0 });
    expect(lab.zoneUuids()).toEqual([]);
    expect(lab.records()).toEqual([]);
  });
});
