// What a person gets to read when something is wrong: what, where, and what to do.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestLab } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());

function file(name: string, text: string): string {
  const path = join(lab.work, name);
  writeFileSync(path, text);
  return path;
}

describe("specs", () => {
  test.each([
    [
      "unknown key",
      "typo.yaml",
      "name: web\nimage: demo:1\nenviroment: {A: b}\n",
      /typo\.yaml:3:1 .*unknown key "enviroment" \(did you mean "environment"|unknown key "enviroment".*"env"/,
    ],
    ["wrong type", "type.yaml", "image: demo:1\ntty: often\n", /type\.yaml:2:6 tty: /],
    [
      "bad address",
      "ip.yaml",
      "image: demo:1\nnetworks:\n  - name: admin\n    ip: 10.0.0.264\n",
      /ip\.yaml:4:9 networks\[0\]\.ip: 10\.0\.0\.264 is not an IPv4 address/,
    ],
    ["memory below the minimum", "mem.yaml", "image: demo:1\nmemory: 1m\n", /mem\.yaml:2:9 memory: /],
    ["trailing comma", "comma.json", '{\n  "image": "demo:1",\n  "command": ["a",],\n}\n', /comma\.json:3:\d+ /],
    [
      "unknown brand",
      "brand.json",
      '{"brand": "lxx", "image_uuid": "2b683a82-a066-41e3-97ab-2faa44701c5a", "docker": true}',
      /brand\.json:1:\d+ .*lxx/,
    ],
    ["not a spec at all", "list.yaml", "- a\n- b\n", /list\.yaml:1:1 /],
    [
      "a Kubernetes object that is no pod",
      "deployment.yaml",
      "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: x}\n",
      /deployment\.yaml:2:7 kind: must be Pod, not Deployment/,
    ],
  ])("%s", async (_what, name, text, expected) => {
    const run = await lab.zonelet("run", "-d", "-f", file(name, text));
    expect(run.status === 2 || run.status === 8).toBe(true);
    expect(run.stderr).toMatch(expected);
    expect(lab.zoneUuids()).toEqual([]);
  });

  test("all problems of a file at once, each with its line and a caret", async () => {
    const run = await lab.zonelet("validate", file("many.yaml", "image: demo:1\nmemroy: 1g\ntty: 7\nmemory: 1m\n"));
    expect(run.status).toBe(2);
    for (const line of [2, 3, 4]) expect(run.stderr).toContain(`many.yaml:${line}:`);
    expect(run.stderr).toContain("^");
  });
});

describe("references", () => {
  test("unknown container, with the nearest name", async () => {
    await lab.zonelet("create", "--name", "database", "demo:1");
    const stop = await lab.zonelet("stop", "databse");
    expect(stop).toMatchObject({ status: 3 });
    expect(stop.stderr).toBe('zonelet: no container "databse"\n  did you mean "database"?\n');
    await lab.zonelet("rm", "database");
  });

  test("ambiguous prefix", async () => {
    // Sixteen first digits are possible: of seventeen containers two must share one.
    const manifest = (uuid: string): string =>
      JSON.stringify({
        uuid,
        brand: "lx",
        docker: true,
        autoboot: false,
        alias: uuid.slice(-2),
        kernel_version: "4.3.0",
        image: "demo:1",
        internal_metadata: { "docker:cmd": '["true"]' },
      });
    for (const end of ["a1", "a2"])
      expect(
        await lab.zonelet("create", "-f", file(`${end}.json`, manifest(`abcd0000-0000-4000-8000-0000000000${end}`))),
      ).toMatchObject({ status: 0 });
    const rm = await lab.zonelet("rm", "abcd");
    expect(rm.status).toBe(2);
    expect(rm.stderr).toMatch(/"abcd" fits 2 containers: .*a1.*a2|"abcd" fits 2 containers: .*a2.*a1/);
    await lab.zonelet("rm", "a1", "a2");
  });

  test("unknown signal", async () => {
    const kill = await lab.zonelet("kill", "-s", "TREM", "whatever");
    expect(kill).toMatchObject({ status: 2 });
    expect(kill.stderr).toContain("SIGTERM");
  });

  test("an image that is not here, --pull never", async () => {
    const run = await lab.zonelet("run", "--pull", "never", "nothere:1");
    expect(run).toMatchObject({ status: 3 });
    expect(run.stderr).toContain("zonelet pull nothere:1");
  });

  test("a registry that is down", async () => {
    const run = await lab.zonelet("pull", "127.0.0.1:9/app:1");
    expect(run.status).toBe(75);
    expect(run.stderr).toContain("127.0.0.1:9");
  });
});

describe("usage", () => {
  test.each([
    [["run"], /which image\?/],
    [["run", "-f", "x.yaml", "-m", "1g"], /--memory cannot be given together with -f/],
    [["run", "--memry", "1g", "demo:1"], /^zonelet: unknown option '--memry'\n {2}Did you mean --memory\?\n$/],
    [["frobnicate"], /^zonelet: unknown command 'frobnicate'\n {2}see "zonelet --help"\n$/],
    [["stop"], /^zonelet: missing required argument 'container'\n {2}see "zonelet stop --help"\n$/],
    [["ps", "-x", "-o", "json"], /^\{"error":\{"class":"InvalidArgument","code":"USAGE"/],
    [["logs", "-n", "many", "x"], /--tail takes a whole number/],
    [["ps", "-o", "xml"], /unknown output format "xml"/],
    [["run", "--name", "-x", "demo:1"], /--name: must be 1 to 63 letters/],
  ])("%j", async (args, expected) => {
    const run = await lab.run(args);
    expect(run.status).toBe(2);
    expect(run.stderr).toMatch(expected);
  });

  test("errors for programs are JSON", async () => {
    const run = await lab.zonelet("inspect", "nothing", "-o", "json");
    expect(JSON.parse(run.stderr)).toMatchObject({ error: { class: "NotFound", code: "CONTAINER_NOT_FOUND" } });
  });

  test("without a lab host it says how to make one", async () => {
    const run = await lab.run(["ps"], { env: { LABHOST_ROOT: join(lab.work, "none") } });
    expect(run.status).toBe(5);
    expect(run.stderr).toContain('run "zonelet-lab init"');
  });

  test("an unknown key of the configuration has its line", async () => {
    const run = await lab.run(["ps", "--all"], {
      env: { ZONELET_CONFIG: file("bad-config.yaml", "version: 1\ndefalts: {}\n") },
    });
    expect(run.status).toBe(2);
    expect(run.stderr).toMatch(/bad-config\.yaml:2:\d+ .*"defalts" \(did you mean "defaults"\?\)/);
  });
});
