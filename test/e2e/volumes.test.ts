import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TestLab } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());

const inVolume = (...path: string[]): string => join(lab.root, "zones/zonelet/volumes", ...path);
const sh = (script: string): string[] => ["demo:1", "sh", "-c", script];

test("a volume outlives its containers, is not removed while used, and gets what the image has there once", async () => {
  await lab.zonelet("volume", "create", "conf", "--size", "1g", "-l", "über=ja");
  const script = "echo kept >/d/x; echo mine >/d/group; sleep 300";
  expect(
    await lab.zonelet("run", "-d", "--name", "keeper", "-v", "conf:/etc", "-v", "data:/d", ...sh(script)),
  ).toMatchObject({ status: 0 });
  expect(readFileSync(inVolume("conf/passwd"), "utf8")).toContain("root:");
  expect(JSON.parse((await lab.zonelet("volume", "inspect", "conf")).stdout)).toMatchObject([
    { name: "conf", labels: { über: "ja" }, sizeBytes: 1024 ** 3, containers: ["keeper"] },
  ]);
  const busy = await lab.zonelet("volume", "rm", "data");
  expect(busy).toMatchObject({ status: 5 });
  expect(busy.stderr).toContain('the volume "data" is in use by keeper\n  remove it first: zonelet rm keeper');
  expect(
    await lab.zonelet("run", "--rm", "--volumes-from", "keeper:ro", ...sh("cat /d/x; echo no >/d/y || echo read-only")),
  ).toMatchObject({ status: 0, stdout: "kept\nread-only\n" });
  expect(await lab.zonelet("rm", "-f", "keeper")).toMatchObject({ status: 0 });
  expect(
    await lab.zonelet("run", "--rm", "-v", "data:/etc", ...sh("cat /etc/x /etc/group; ls /etc/passwd")),
  ).toMatchObject({ stdout: "kept\nmine\n" });
  expect((await lab.zonelet("volume", "prune", "-f")).stdout).toBe("conf\ndata\n");
  expect((await lab.platform("zfs", "list", "-H", "-o", "name", "-r", "zones/zonelet")).stdout).not.toContain("data");
});

test("a part of a volume is mounted, and never through a link or below somebody who can write above it", async () => {
  const part = (name: string, subpath: string, more = ""): string => {
    const file = join(lab.work, `${name}.yaml`);
    writeFileSync(
      file,
      `image: demo:1\nname: ${name}\ncommand: [sleep, "300"]\nvolumes: [{source: parts, target: /p, subpath: ${subpath}${more}}]\n`,
    );
    return file;
  };
  expect(await lab.zonelet("run", "-d", "-f", part("one", "a/b"))).toMatchObject({ status: 0 });
  mkdirSync(inVolume("parts/c"));
  symlinkSync("/", inVolume("parts/c/link"));
  expect((await lab.zonelet("run", "-d", "-f", part("two", "c/link/etc"))).stderr).toContain(
    '"link" is a symbolic link',
  );
  const whole = await lab.zonelet("run", "-d", "--name", "whole", "-v", "parts:/w", ...sh("sleep 300"));
  expect(whole).toMatchObject({ status: 5 });
  expect(whole.stderr).toContain(
    'volume "parts": "one" mounts "a/b" of it, and this container can write to the whole volume',
  );
  expect(await lab.zonelet("rm", "-f", "one")).toMatchObject({ status: 0 });
});

test("inline files have owner and mode, replace the image's, and go with the container", async () => {
  const file = join(lab.work, "files.yaml");
  writeFileSync(
    file,
    `image: demo:1
name: filed
command: [sh, -c, "ls -ln /run/secrets/key /etc/group; cat /run/secrets/key /etc/group"]
files:
  - {target: /run/secrets/key, content: "s3cret\\n", mode: "0400", uid: 7, gid: 8}
  - {target: /etc/group, content: "g\\n"}
`,
  );
  const { status, stdout } = await lab.zonelet("run", "-f", file);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^-r--r--r-- 1 0 +0 .*\n-r-------- 1 7 +8 .*\ns3cret\ng\n$/);
  const [uuid = ""] = lab.zoneUuids();
  expect(readFileSync(join(lab.root, "etc/zones", `${uuid}.json`), "utf8")).not.toContain("s3cret");
  expect(await lab.zonelet("rm", "filed")).toMatchObject({ status: 0 });
});

test("what is wrong is told before anything is made", async () => {
  for (const [args, message] of [
    [["-v", "data:d"], "must be /SOURCE:/TARGET[:ro], NAME:/TARGET[:ro] or /TARGET"],
    [["-v", "new:/n", "-v", "/etc:/d"], "not below a directory of the configuration's mounts.allowedRoots"],
  ] as const) {
    const run = await lab.zonelet("run", "--rm", ...args, "demo:1", "true");
    expect(run.status).toBe(2);
    expect(run.stderr).toContain(message);
  }
  expect(existsSync(inVolume("new"))).toBe(false);
  expect(lab.zoneUuids()).toEqual([]);
});
