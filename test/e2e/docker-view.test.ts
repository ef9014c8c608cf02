// ps, inspect and rename as a user of Docker meets them, with containers that really run.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TestLab } from "../support/lab.ts";

type Document = Record<string, unknown>;

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
  mkdirSync(join(lab.root, "data/www"), { recursive: true });
  const runs = [
    ["run", "-d", "--name", "web", "-l", "tier=front", "-l", "eq=a=b", "-e", "API_KEY=x", "-e", "TZ=UTC", "--restart", "on-failure:3", "-v", "/data/www:/www:ro", "-v", "/cache", "--dns", "10.0.0.9", "-m", "96m", "--cpus", "0.5", "-u", "guest", "--net", "admin", "--ip", "10.0.0.7", "demo:1", "sh", "-c", "exec sleep 600"],
    ["create", "--name", "never", "--namespace", "batch", "demo:1"],
    ["run", "--name", "failed", "demo:1", "sh", "-c", "exit 3"],
    ["run", "--name", "typo", "demo:1", "nodde"],
    ["run", "-d", "--name", "killed", "demo:1", "sh", "-c", "exec sleep 600"],
    ["kill", "-s", "KILL", "killed"],
    ["wait", "killed"],
  ]; // prettier-ignore
  for (const run of runs) await lab.zonelet(...run);
});
afterAll(() => lab.destroy());

const json = async (...args: string[]): Promise<Document[]> =>
  JSON.parse((await lab.zonelet(...args)).stdout) as Document[];
const names = async (...args: string[]): Promise<unknown[]> =>
  (await json("ps", "-o", "docker", ...args)).map((entry) => (entry["Names"] as string[])[0]);

describe("inspect -o docker", () => {
  test("shows what was asked for", async () => {
    const [web] = await json("inspect", "-o", "docker", "--show-secrets", "web");
    expect(web).toMatchObject({
      Name: "/web",
      Path: "sh",
      Args: ["-c", "exec sleep 600"],
      State: { Status: "running", Running: true, ExitCode: 0, FinishedAt: "0001-01-01T00:00:00Z" },
      Config: {
        Image: "demo:1",
        User: "guest",
        Labels: { tier: "front", eq: "a=b" },
        Env: expect.arrayContaining(["API_KEY=x", "TZ=UTC"]) as unknown,
        Volumes: { "/cache": {} },
      },
      HostConfig: {
        Binds: ["/data/www:/www:ro"],
        Memory: 96 * 1024 * 1024,
        NanoCpus: 500_000_000,
        Dns: ["10.0.0.9"],
        RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
        NetworkMode: "admin",
      },
      NetworkSettings: { IPAddress: "10.0.0.7", IPPrefixLen: 24, Networks: { admin: { IPAddress: "10.0.0.7" } } },
    });
    expect((web?.["Mounts"] as Document[]).map((mount) => mount["Destination"]).toSorted()).toEqual(["/cache", "/www"]);
    expect((web?.["State"] as Document)["Pid"]).toBeGreaterThan(1);
  });

  test("masks what smells of a secret", async () => {
    expect((await lab.zonelet("inspect", "-o", "docker", "web")).stdout).toContain("API_KEY=********");
  });

  test("Docker's exit codes, and the platform's beside them", async () => {
    const documents = await json("inspect", "-o", "docker", "failed", "typo", "killed", "never");
    expect(documents).toMatchObject([
      { State: { Status: "exited", ExitCode: 3 }, Zone: { ExitStatus: 3 } },
      { State: { Status: "exited", ExitCode: 127, Error: "'nodde' not found in PATH" }, Zone: { ExitStatus: 17 } },
      { State: { Status: "exited", ExitCode: 137 }, Zone: { ExitStatus: -9 } },
      { State: { Status: "created", ExitCode: 0, StartedAt: "0001-01-01T00:00:00Z" }, Zone: { ExitStatus: null } },
    ]);
    const [sdc] = await json("inspect", "-o", "docker", "--dialect", "sdc", "killed");
    expect(sdc).toMatchObject({ Driver: "sdc", State: { ExitCode: -9 } });
  });

  test("an unknown container is an error a program can read", async () => {
    const run = await lab.zonelet("inspect", "-o", "docker", "nobody");
    expect(run).toMatchObject({ status: 3, stdout: "" });
    expect(JSON.parse(run.stderr)).toMatchObject({ error: { code: "CONTAINER_NOT_FOUND" } });
  });
});

describe("ps", () => {
  test("-o docker lists as Docker's API does", async () => {
    const [entry] = await json("ps", "-o", "docker", "-s");
    expect(entry).toMatchObject({
      Names: ["/web"],
      Command: "sh -c 'exec sleep 600'",
      State: "running",
      Status: expect.stringMatching(/^Up /) as unknown,
      Labels: { tier: "front" },
      HostConfig: { NetworkMode: "admin" },
      SizeRw: expect.any(Number) as unknown,
    });
  });

  test("filters, limits and ids", async () => {
    expect(await names("-f", "status=exited")).toEqual(["/killed", "/typo", "/failed"]);
    expect(await names("-a", "-f", "exited=137", "-f", "exited=127")).toEqual(["/killed", "/typo"]);
    expect(await names("-f", "label=eq=a=b")).toEqual(["/web"]);
    expect(await names("-f", "volume=/www", "-f", "network=admin")).toEqual(["/web"]);
    expect(await names("-a", "-f", "since=never", "-f", "name=^/?[ft]")).toEqual(["/typo", "/failed"]);
    const [image] = await json("images", "-o", "json");
    const digits = String(image?.["config"]).replace("sha256:", "").slice(0, 9);
    expect(await names("-f", `ancestor=${digits}`)).toEqual(["/web"]);
    expect(await names("-l")).toEqual(["/killed"]);
    expect((await lab.zonelet("ps", "-q", "--no-trunc")).stdout).toMatch(/^[0-9a-f]{64}\n$/);
    expect((await lab.zonelet("ps", "-as")).stdout).toMatch(/SIZE\n(?:.* \(virtual [\d.]+ [KMG]?i?B\)\n){5}$/);
  });

  test.each([
    [["-f", "colour=red"], "invalid filter 'colour'"],
    [["-f", "before=nobody"], 'no container "nobody"'],
    [["--dialect", "sdc"], "--dialect is for -o docker only"],
  ])("%j is refused: %s", async (args, message) => {
    const run = await lab.zonelet("ps", ...args);
    expect(run.status).toBeGreaterThan(1);
    expect(run.stderr).toContain(message);
  });
});

test("rename: a running container, again, and back to a free name", async () => {
  expect(await lab.zonelet("rename", "web", "front")).toMatchObject({ status: 0, stdout: "front\n" });
  expect(await lab.zonelet("rename", "web", "front")).toMatchObject({ status: 0, stdout: "front\n" });
  expect(await lab.zonelet("rename", "front", "never")).toMatchObject({ status: 4 });
  // By hand, behind the agent's back: the record's name is then no hindrance, and never stands for the zone.
  const [front] = await json("inspect", "front");
  await lab.platform("vmadm", "update", String(front?.["uuid"]), "alias=other");
  expect(await lab.zonelet("rm", "-f", "front")).toMatchObject({ status: 3 });
  const again = await lab.zonelet("run", "--rm", "--name", "front", "demo:1", "echo", "a new one");
  expect(again).toMatchObject({ status: 0, stdout: "a new one\n" });
  expect(await lab.zonelet("rename", "other", "web")).toMatchObject({ status: 0 });
  expect(await names("-f", "name=web")).toEqual(["/web"]);
});

test("containerd's filters beside Docker's, and namespaces", async () => {
  expect(await names("-a", "-f", "labels.tier==front")).toEqual(["/web"]);
  expect(await names("-a", "-f", 'labels.tier~="^fr",state==running', "-f", "zone.alias==never")).toEqual(
    expect.arrayContaining(["/web", "/never"]),
  );
  expect(await names("-a", "-f", "state==stopped", "-f", "exited=3")).toEqual(["/failed"]);
  expect(await names("-a", "--namespace", "batch")).toEqual(["/never"]);
  expect(await names("-a", "--namespace", "unmanaged")).toEqual([]);
  expect((await lab.zonelet("ps", "-f", "labels.my-label==x")).stderr).toContain("expected an operator");
  const wrong = await lab.zonelet("create", "--namespace", "../up", "demo:1");
  expect(wrong.status).toBe(2);
  expect(wrong.stderr).toContain('identifier "../up" must match');
  expect((await lab.zonelet("images", "-q", "--filter", 'name~="demo:1$"')).stdout).toMatch(/^[0-9a-f]{12}\n$/);
});
