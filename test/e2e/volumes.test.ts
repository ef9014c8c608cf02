import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { TestLab } from "../support/lab.ts";

let lab: TestLab;
beforeAll(async () => {
  lab = await TestLab.create();
});
afterAll(() => lab.destroy());

const inVolume = (...path: string[]): string => join(lab.root, "zones/zonelet/volumes", ...path);
const sh = (script: string): string[] => ["demo:1", "sh", "-c", script];

test("a volume is made by the first container that names it, outlives it, and is not removed while used", async () => {
  expect(
    await lab.zonelet("run", "-d", "--name", "keeper", "-v", "data:/d", ...sh("echo kept >/d/x; sleep 300")),
  ).toMatchObject({ status: 0 });
  const busy = await lab.zonelet("volume", "rm", "data");
  expect(busy).toMatchObject({ status: 5 });
  expect(busy.stderr).toContain('the volume "data" is in use by keeper\n  remove it first: zonelet rm keeper');
  expect(
    await lab.zonelet("run", "--rm", "--volumes-from", "keeper:ro", ...sh("cat /d/x; echo no >/d/y || echo read-only")),
  ).toMatchObject({
    status: 0,
    stdout: "kept\nread-only\n",
  });
  expect(await lab.zonelet("rm", "-f", "keeper")).toMatchObject({ status: 0 });
  expect(await lab.zonelet("run", "--rm", "-v", "data:/e", ...sh("cat /e/x"))).toMatchObject({
    status: 0,
    stdout: "kept\n",
  });
  expect((await lab.zonelet("volume", "ls", "-q")).stdout).toBe("data\n");
  expect(await lab.zonelet("volume", "rm", "data")).toMatchObject({ status: 0, stdout: "data\n" });
  expect((await lab.platform("zfs", "list", "-H", "-o", "name", "-r", "zones/zonelet")).stdout).not.toContain("data");
});

test("labels and size are the dataset's; an empty volume gets what the image has there, once", async () => {
  await lab.zonelet("volume", "create", "conf", "--size", "1g", "-l", "über=ja");
  expect(JSON.parse((await lab.zonelet("volume", "inspect", "conf")).stdout)).toMatchObject([
    { name: "conf", labels: { über: "ja" }, sizeBytes: 1024 ** 3, containers: [] },
  ]);
  await lab.zonelet("run", "--rm", "-v", "conf:/etc", ...sh("echo mine >/etc/group"));
  expect(readFileSync(inVolume("conf/group"), "utf8")).toBe("mine\n");
  expect(readFileSync(inVolume("conf/passwd"), "utf8")).toContain("root:");
  await lab.zonelet("run", "--rm", "-v", "conf:/etc", ...sh("true"));
  expect(readFileSync(inVolume("conf/group"), "utf8")).toBe("mine\n");
  await lab.zonelet("run", "--rm", "-v", "plain:/etc:nocopy", ...sh("true"));
  expect((await lab.zonelet("volume", "prune", "-f")).stdout).toBe("conf\nplain\n");
});

test("killed while it fills a volume, the same command fills it anew", async () => {
  const command = ["run", "--rm", "-v", "half:/etc", ...sh("cat /etc/group >/dev/null && echo whole")];
  // The first create is of the parent; the second makes the volume, marked as being filled.
  const killed = await lab.run(command, { env: { LABHOST_FAILPOINTS: "zfs.create.begin=1*off->1*killparent->off" } });
  expect(killed.signal).toBe("SIGKILL");
  await eventually(() => existsSync(inVolume("half")), {
    within: 10_000,
    what: "zfs has made the volume all the same",
  });
  writeFileSync(inVolume("half/leftover"), "");
  expect(await lab.run(command)).toMatchObject({ status: 0, stdout: "whole\n" });
  expect(() => readFileSync(inVolume("half/leftover"))).toThrow("ENOENT");
  expect(await lab.zonelet("volume", "rm", "half")).toMatchObject({ status: 0 });
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
  expect(await lab.zonelet("run", "--rm", "-v", "parts:/w:ro", ...sh("ls /w"))).toMatchObject({
    status: 0,
    stdout: "a\nc\n",
  });
  expect(await lab.zonelet("rm", "-f", "one")).toMatchObject({ status: 0 });
  expect(await lab.zonelet("volume", "rm", "parts")).toMatchObject({ status: 0 });
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
  const inspected = await lab.zonelet("inspect", "--raw", "--show-secrets", "filed");
  expect(inspected.stdout).not.toContain("s3cret");
  expect(await lab.zonelet("rm", "filed")).toMatchObject({ status: 0 });
});

test("what is wrong is told before anything is made", async () => {
  for (const [args, message] of [
    [["-v", ".x:/d"], "neither an absolute path nor a name"],
    [["-v", "data:d"], "must be /SOURCE:/TARGET[:ro], NAME:/TARGET[:ro] or /TARGET"],
    [["-v", "data:/d:xx"], "use ro, rw or nocopy"],
    [["-v", "/etc:/d"], "not below a directory of the configuration's mounts.allowedRoots"],
    [["--volumes-from", "nobody"], 'no container "nobody"'],
  ] as const) {
    const run = await lab.zonelet("run", "--rm", ...args, "demo:1", "true");
    expect(run.status).toBe(2);
    expect(run.stderr).toContain(message);
  }
  const nfs = join(lab.work, "nfs.yaml");
  writeFileSync(nfs, "image: demo:1\nvolumes: [{type: nfs, source: 'h:/x', target: /n}]\n");
  expect((await lab.zonelet("run", "-f", nfs)).stderr).toContain("the lab host has no NFS client");
  expect((await lab.zonelet("volume", "ls", "-q")).stdout).toBe("");
  expect(lab.zoneUuids()).toEqual([]);
});
