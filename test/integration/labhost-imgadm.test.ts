// The lab's imgadm against imgadm.md: unpacking with its faults, whiteouts, locks, deletion, state.
import { execFile, execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { PoolLab, writeTar, type Member } from "../support/pool-lab.ts";

const BASE = "10000000-0000-0000-0000-000000000001";
const NEXT = "20000000-0000-0000-0000-000000000002";
const LAST = "30000000-0000-0000-0000-000000000003";
const ZONE = "90000000-0000-0000-0000-000000000009";
const MAIN = join(import.meta.dirname, "../../agent/labhost/main.ts");

let lab: PoolLab;
const labs: PoolLab[] = [];
beforeEach(() => {
  lab = new PoolLab();
  labs.push(lab);
});
afterEach(() => lab.destroy());
afterAll(() => {
  // Whatever a failed test left mounted would show here.
  const mounts = readFileSync("/proc/self/mountinfo", "utf8");
  for (const { work } of labs) expect(mounts).not.toContain(work);
});

const file = (name: string, content = name): Member => ({ name, content });
const dir = (name: string, more: Partial<Member> = {}): Member => ({ ...more, name: `${name}/` });
const symlink = (name: string, to: string): Member => ({ name, to });
const hardLink = (name: string, to: string): Member => ({ name, to, type: "link" });

async function layers(lower: readonly Member[], upper: readonly Member[]) {
  expect(await lab.install({ uuid: BASE, members: lower })).toMatchObject({ status: 0, stderr: "" });
  return lab.install({ uuid: NEXT, origin: BASE, members: upper });
}

const kind = (path: string): string => {
  const found = lstatSync(lab.path(NEXT, path), { throwIfNoEntry: false });
  if (!found) return "absent";
  return found.isSymbolicLink() ? "symlink" : found.isDirectory() ? "directory" : "file";
};

describe("one layer over another, as GNU tar 1.23 does it (imgadm.md 6.2)", () => {
  it("merges a directory over a directory and takes the new attributes", async () => {
    const answer = await layers(
      [dir("d", { mode: 0o700 }), file("d/old")],
      [dir("d", { mode: 0o1775, uid: 7, gid: 8 }), file("d/new")],
    );
    expect(answer.status).toBe(0);
    expect(readdirSync(lab.path(NEXT, "d")).sort()).toEqual(["new", "old"]);
    const { mode, uid, gid, mtimeMs } = statSync(lab.path(NEXT, "d"));
    expect({ mode: mode & 0o7777, uid, gid, mtimeMs }).toEqual({
      mode: 0o1775,
      uid: 7,
      gid: 8,
      mtimeMs: Date.parse("2020-02-02T02:02:02Z"),
    });
    expect(statSync(lab.path(BASE, "d")).mode & 0o7777).toBe(0o700);
  });

  it("lets the wrapper remove a directory under a regular file", async () => {
    const answer = await layers([dir("d"), file("d/x")], [file("d", "now a file")]);
    expect(answer.status).toBe(0);
    expect(lab.read(NEXT, "d")).toBe("now a file");
    expect(lab.read(BASE, "d/x")).toBe("d/x");
  });

  it("fails for a regular file with a blank in its name over a directory", async () => {
    const answer = await layers([dir("a b"), file("a b/x")], [file("a b")]);
    expect(answer.status).toBe(1);
    expect(answer.stderr).toContain("gtar: a b: Cannot open: File exists\n");
  });

  it("fails for a relative symlink over a directory with content, in gtar's words", async () => {
    const answer = await layers([dir("dirl"), file("dirl/x"), dir("etc")], [symlink("dirl", "etc")]);
    expect(answer).toMatchObject({ status: 1, stdout: expect.stringContaining("Installing image") as string });
    expect(answer.stderr).toBe(
      "imgadm install: error (InternalError): exec error:\n" +
        `\tcommand: /usr/img/sbin/chroot-gtar /zones/${NEXT}-partial root ${lab.work}/${NEXT}.tar none\n` +
        "\texit status: 2\n\tstdout:\n" +
        "gtar: dirl: Cannot create symlink to `etc': File exists\n" +
        "gtar: Exiting with failure status due to previous errors\n" +
        "\tstderr:\n\n",
    );
    expect(await lab.datasetNames()).toEqual(["zones", `zones/${BASE}`, `zones/${BASE}@final`]);
    expect(existsSync(join(lab.root, `var/imgadm/images/zones-${NEXT}.json`))).toBe(true);
  });

  it("replaces a directory by an absolute symlink, because a placeholder comes first", async () => {
    const answer = await layers([dir("d"), file("d/x")], [symlink("d", "/somewhere")]);
    expect(answer.status).toBe(0);
    expect(readlinkSync(lab.path(NEXT, "d"))).toBe("/somewhere");
  });

  it("fails for a hard link over a directory with content", async () => {
    const answer = await layers([dir("g"), file("g/x")], [file("f"), hardLink("g", "f")]);
    expect(answer.status).toBe(1);
    expect(answer.stderr).toContain("gtar: g: Cannot hard link to `f': File exists\n");
  });

  it.each([
    ["an empty directory", [dir("x")]],
    ["a file", [file("x")]],
    ["a symlink", [symlink("x", "nowhere")]],
  ])("replaces %s by a file, a symlink or a hard link", async (_, lower) => {
    expect((await layers(lower, [file("x", "new")])).status).toBe(0);
    expect(lab.read(NEXT, "x")).toBe("new");
    await lab.imgadm("delete", NEXT);
    expect((await lab.install({ uuid: NEXT, origin: BASE, members: [symlink("x", "y")] })).status).toBe(0);
    expect(readlinkSync(lab.path(NEXT, "x"))).toBe("y");
    await lab.imgadm("delete", NEXT);
    const linked = [file("other"), hardLink("x", "other")];
    expect((await lab.install({ uuid: NEXT, origin: BASE, members: linked })).status).toBe(0);
    expect(lab.read(NEXT, "x")).toBe("other");
  });

  it.each([
    ["a file", [file("x")]],
    ["a dangling symlink", [symlink("x", "nowhere")]],
    ["an absolute symlink", [dir("etc"), symlink("x", "/etc")]],
  ])("replaces %s by a directory", async (_, lower) => {
    expect((await layers(lower, [dir("x"), file("x/in")])).status).toBe(0);
    expect(kind("x")).toBe("directory");
    expect(lab.read(NEXT, "x/in")).toBe("x/in");
  });

  it("keeps a relative symlink under a directory and writes through it", async () => {
    const answer = await layers([dir("real"), file("real/old"), symlink("x", "real")], [dir("x"), file("x/new")]);
    expect(answer.status).toBe(0);
    expect(kind("x")).toBe("symlink");
    expect(readdirSync(lab.path(NEXT, "real")).sort()).toEqual(["new", "old"]);
    expect(readdirSync(lab.path(BASE, "real"))).toEqual(["old"]);
  });

  it("cannot write below an absolute symlink: it resolves in the chroot", async () => {
    const answer = await layers([dir("real"), symlink("x", "/real")], [file("x/new")]);
    expect(answer.status).toBe(1);
    expect(answer.stderr).toContain("gtar: x/new: Cannot open: No such file or directory\n");
  });

  it("never leaves the dataset, whatever links say", async () => {
    const climb = "../".repeat(30);
    const answer = await layers(
      [symlink("x", `${climb}tmp`), symlink("y", "/root")],
      [file("x/zl-escape"), file("y/in")],
    );
    expect(answer.stderr).toContain("gtar: x/zl-escape: Cannot open: No such file or directory\n");
    expect(existsSync("/tmp/zl-escape")).toBe(false);
    expect(existsSync("/root/in")).toBe(false);
  });

  it("breaks a hard link when one of its names is replaced, in the layer and towards the origin", async () => {
    const answer = await layers([file("a", "old"), hardLink("b", "a")], [file("a", "new")]);
    expect(answer.status).toBe(0);
    expect([lab.read(NEXT, "a"), lab.read(NEXT, "b"), lab.read(BASE, "a")]).toEqual(["new", "old", "old"]);
  });

  it("never touches the origin, whatever a layer does to its files", async () => {
    const lower = [
      ...["file", "mode", "dev", "link", "abs", "gone", "kept"].map((name) => file(`d/${name}`)),
      hardLink("d/twin", "d/kept"),
      dir("e", { mode: 0o750 }),
    ];
    const upper: Member[] = [
      dir("d", { mode: 0o700, uid: 9, gid: 9 }),
      file("d/file", "other"),
      { ...file("d/mode"), mode: 0o6777, uid: 5, gid: 5, mtime: new Date(1e12) },
      { name: "d/dev", type: "character-device", mode: 0o600 },
      symlink("d/link", "kept"),
      symlink("d/abs", "/d/kept"),
      file("d/.wh.gone", ""),
      hardLink("d/third", "d/kept"),
      file("e", "no directory any more"),
    ];
    expect((await lab.install({ uuid: BASE, members: lower })).status).toBe(0);
    const before = snapshotOf(lab.path(BASE));
    expect(await lab.install({ uuid: NEXT, origin: BASE, members: upper })).toMatchObject({ status: 0, stderr: "" });
    expect(snapshotOf(lab.path(BASE))).toEqual(before);
    await lab.imgadm("delete", NEXT);
    expect(snapshotOf(lab.path(BASE))).toEqual(before);
  });

  it("says that it reads no sparse files", async () => {
    const members: Member[] = [{ name: "s", pax: { "GNU.sparse.major": "1" } }];
    const answer = await lab.install({ uuid: BASE, members });
    expect(answer.stderr).toContain("gtar: s: the lab host's gtar reads no sparse files\n");
  });

  it("strips what is dangerous from names", async () => {
    const members = [file("/abs"), file("../up"), file("a/../b")];
    expect((await lab.install({ uuid: BASE, members })).status).toBe(0);
    expect(readdirSync(lab.path(BASE)).sort()).toEqual(["abs", "b", "up"]);
  });

  it("takes long and foreign names, odd modes, ids and missing parents", async () => {
    const long = `${"l".repeat(200)}/${"m".repeat(200)}`;
    const members: Member[] = [
      file(long),
      file("dir/ü ñ"),
      { name: "suid", mode: 0o4755, uid: 123456, gid: 234567 },
      { name: "pax-ids", pax: { uid: "4000000000", gid: "4000000001", mtime: "1500000000.5" } },
    ];
    expect((await lab.install({ uuid: BASE, members })).status).toBe(0);
    expect(lab.read(BASE, long)).toBe(long);
    expect(lab.read(BASE, "dir/ü ñ")).toBe("dir/ü ñ");
    expect(statSync(lab.path(BASE, "dir")).mode & 0o7777).toBe(0o755);
    const suid = statSync(lab.path(BASE, "suid"));
    expect([suid.mode & 0o7777, suid.uid, suid.gid]).toEqual([0o4755, 123456, 234567]);
    const pax = statSync(lab.path(BASE, "pax-ids"));
    expect([pax.uid, pax.gid, pax.mtimeMs]).toEqual([4000000000, 4000000001, 1500000000500]);
  });

  it("reads what the machine's tar writes in the GNU format, and directories without permissions", async () => {
    const name = "n".repeat(180);
    writeFileSync(join(lab.work, name), "gnu");
    mkdirSync(join(lab.work, "closed"));
    writeFileSync(join(lab.work, "closed/in"), "");
    chmodSync(join(lab.work, "closed"), 0);
    const archive = join(lab.work, "gnu.tar");
    execFileSync("tar", ["--format=gnu", "-cf", archive, "-C", lab.work, name, "closed"]);
    expect((await lab.imgadm(...lab.prepareFile({ uuid: BASE }, archive))).status).toBe(0);
    expect(lab.read(BASE, name)).toBe("gnu");
    expect(statSync(lab.path(BASE, "closed")).mode & 0o7777).toBe(0);
    expect(readdirSync(lab.path(BASE, "closed"))).toEqual(["in"]);
  });

  it("makes empty files of devices and keeps FIFOs", async () => {
    const members: Member[] = [
      { name: "null", type: "character-device", devmajor: 1, devminor: 3, mode: 0o666 },
      { name: "sda", type: "block-device", devmajor: 8, devminor: 0 },
      { name: "pipe", type: "fifo" },
    ];
    expect((await lab.install({ uuid: BASE, members })).status).toBe(0);
    for (const name of ["null", "sda"]) {
      expect(lstatSync(lab.path(BASE, name)).isFile()).toBe(true);
      expect(lstatSync(lab.path(BASE, name)).size).toBe(0);
    }
    expect(statSync(lab.path(BASE, "null")).mode & 0o777).toBe(0o666);
    expect(lstatSync(lab.path(BASE, "pipe")).isFIFO()).toBe(true);
  });

  it("links symlinks that point outside last, and keeps what came in their place", async () => {
    const members = [
      symlink("abs", "/etc"),
      symlink("up", "../etc"),
      hardLink("abs2", "abs"),
      symlink("gone", "/x"),
      dir("gone"),
    ];
    expect((await lab.install({ uuid: BASE, members })).status).toBe(0);
    expect(readlinkSync(lab.path(BASE, "abs"))).toBe("/etc");
    expect(readlinkSync(lab.path(BASE, "abs2"))).toBe("/etc");
    expect(readlinkSync(lab.path(BASE, "up"))).toBe("../etc");
    expect(lstatSync(lab.path(BASE, "gone")).isDirectory()).toBe(true);
  });

  it("drops extended attributes and goes on", async () => {
    const members: Member[] = [{ name: "f", pax: { "SCHILY.xattr.user.note": "hi" } }];
    expect((await lab.install({ uuid: BASE, members })).status).toBe(0);
    expect(lab.read(BASE, "f")).toBe("");
  });

  it("fails when the warnings about old time stamps fill 2 MiB", async () => {
    const below = `${"x".repeat(200)}/${"y".repeat(200)}/${"z".repeat(200)}`;
    const old = (n: number): Member => ({ name: `${below}/${n}`, mtime: new Date(0) });
    const count = (2 * 1024 * 1024) / 660;
    const few = Array.from({ length: count / 2 }, (_, n) => old(n));
    expect((await lab.install({ uuid: BASE, members: few })).status).toBe(0);
    expect(statSync(lab.path(BASE, below, "0")).mtimeMs).toBe(0);
    const many = Array.from({ length: count * 1.1 }, (_, n) => old(n));
    const answer = await lab.install({ uuid: NEXT, members: many });
    expect(answer.status).toBe(1);
    expect(answer.stderr).toContain(`gtar: ${below}/0: implausibly old time stamp 1970-01-01 00:00:00\n`);
    expect(answer.stderr.length).toBeGreaterThan(2 * 1024 * 1024);
    expect(answer.stderr.length).toBeLessThan(2 * 1024 * 1024 + 4000);
  });

  it.each(["bzip2", "xz", "gzip"])("tells %s from the first bytes, whatever the manifest says", async (program) => {
    const plain = join(lab.work, "plain.tar");
    await writeTar(plain, [file("a", "compressed")]);
    const packed = execFileSync(program, ["-c", plain]);
    writeFileSync(join(lab.work, "packed"), packed);
    const manifest = { files: [{ sha1: sha1(join(lab.work, "packed")), size: packed.length, compression: "none" }] };
    const args = lab.prepareFile({ uuid: BASE, manifest }, join(lab.work, "packed"));
    expect(await lab.imgadm(...args)).toMatchObject({ status: 0, stderr: "" });
    expect(lab.read(BASE, "a")).toBe("compressed");
  });

  it.each([
    [
      "zstd",
      Buffer.from([0x28, 0xb5, 0x2f, 0xfd, ...Array<number>(600).fill(1)]),
      "This does not look like a tar archive",
    ],
    ["nothing", Buffer.alloc(0), "This does not look like a tar archive"],
  ])("refuses %s", async (_, bytes, words) => {
    writeFileSync(join(lab.work, "odd"), bytes);
    const answer = await lab.imgadm(...lab.prepareFile({ uuid: BASE }, join(lab.work, "odd")));
    expect(answer.status).toBe(1);
    expect(answer.stderr).toContain(`\texit status: 2\n\tstdout:\ngtar: ${words}\n`);
    expect(await lab.datasetNames()).toEqual(["zones"]);
  });

  it("takes a gzip of nothing and of zero blocks, refuses a truncated archive", async () => {
    for (const [uuid, size] of [
      [BASE, 0],
      [NEXT, 1024],
    ] as const) {
      const raw = join(lab.work, "raw");
      writeFileSync(raw, Buffer.alloc(size));
      writeFileSync(`${raw}.gz`, execFileSync("gzip", ["-c", raw]));
      expect((await lab.imgadm(...lab.prepareFile({ uuid }, `${raw}.gz`))).status).toBe(0);
    }
    await writeTar(join(lab.work, "cut"), [file("a", "x".repeat(5000))]);
    writeFileSync(join(lab.work, "cut"), readFileSync(join(lab.work, "cut")).subarray(0, 3000));
    const answer = await lab.imgadm(...lab.prepareFile({ uuid: LAST }, join(lab.work, "cut")));
    expect(answer.stderr).toContain("gtar: Unexpected EOF in archive\ngtar: Error is not recoverable: exiting now\n");
  });
});

/** Everything of a tree but link counts and times of change. */
function snapshotOf(root: string): string[] {
  return readdirSync(root, { recursive: true, withFileTypes: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const { mode, uid, gid, size, mtimeMs } = lstatSync(path);
      const content = entry.isFile() ? readFileSync(path, "utf8") : "";
      return [path, mode, uid, gid, size, mtimeMs, content].join(" ");
    })
    .sort();
}

function sha1(path: string): string {
  return execFileSync("sha1sum", [path], { encoding: "utf8" }).slice(0, 40);
}

describe("whiteouts, applied after extraction over the whole tree", () => {
  it("removes files and directories, also by hard-linked markers", async () => {
    const answer = await layers(
      [file("f"), dir("d"), file("d/x"), file("kept"), file("g")],
      [file(".wh.f", ""), hardLink(".wh.d", ".wh.f"), hardLink(".wh.g", ".wh.f")],
    );
    expect(answer.status).toBe(0);
    expect(readdirSync(lab.path(NEXT))).toEqual(["kept"]);
    expect(readdirSync(lab.path(BASE)).sort()).toEqual(["d", "f", "g", "kept"]);
  });

  it("does not honour opaque markers", async () => {
    await layers([dir("d"), file("d/secret")], [dir("d"), file("d/.wh..wh..opq", ""), file("d/new")]);
    expect(readdirSync(lab.path(NEXT, "d")).sort()).toEqual(["new", "secret"]);
  });

  it("loses a name that one layer removes and adds", async () => {
    await layers([file("f", "old")], [file(".wh.f", ""), file("f", "new"), file("other")]);
    expect(readdirSync(lab.path(NEXT))).toEqual(["other"]);
  });

  it("keeps directories called .wh.*", async () => {
    await layers([file("f")], [dir(".wh..wh.plnk"), file(".wh..wh.plnk/1"), file(".wh..wh.aufs", "")]);
    expect(readdirSync(lab.path(NEXT)).sort()).toEqual([".wh..wh.plnk", "f"]);
  });
});

describe("install", () => {
  it("says what it does, writes the JSON file, and skips what is there", async () => {
    const args = await lab.prepare({ uuid: BASE, members: [file("a")], gzip: true });
    const title = `${BASE} (docker-layer@10000000)`;
    expect(await lab.imgadm(...args)).toEqual({
      status: 0,
      stdout: `Installing image ${title}\nInstalled image ${title}\n`,
      stderr: "",
    });
    const saved = readFileSync(join(lab.root, `var/imgadm/images/zones-${BASE}.json`), "utf8");
    expect(saved).toMatch(/"published_at": "[^"]+Z"\n {2}\},\n {2}"zpool": "zones"\n\}\n$/);
    expect((await lab.imgadm("get", BASE)).stdout).toBe(saved);
    const skipped = `Image ${BASE} (docker-layer 10000000) is already installed, skipping\n`;
    expect(await lab.imgadm(...args)).toEqual({ status: 0, stdout: skipped, stderr: "" });
  });

  it("does not bring back a lost JSON file", async () => {
    const args = await lab.prepare({ uuid: BASE, members: [file("a")] });
    await lab.imgadm(...args);
    const json = join(lab.root, `var/imgadm/images/zones-${BASE}.json`);
    execFileSync("rm", [json]);
    expect(await lab.imgadm(...args)).toMatchObject({
      status: 0,
      stdout: `Image ${BASE} is already installed, skipping\n`,
    });
    expect(existsSync(json)).toBe(false);
    expect(JSON.parse((await lab.imgadm("get", BASE)).stdout)).toEqual({ manifest: { uuid: BASE }, zpool: "zones" });
  });

  it("fails by zfs when the origin is absent", async () => {
    const answer = await lab.install({ uuid: NEXT, origin: BASE, members: [] });
    expect(answer).toMatchObject({ status: 1 });
    expect(answer.stderr).toBe(
      "imgadm install: error (InternalError): exec error:\n" +
        `\targv: ["/usr/sbin/zfs","clone","zones/${BASE}@final","zones/${NEXT}-partial"]\n` +
        `\texit status: 1\n\tstdout:\n\n\tstderr:\ncannot open 'zones/${BASE}@final': dataset does not exist\n`,
    );
  });

  it.each([
    [
      "size",
      { size: 5, sha1: "abc" },
      /^imgadm install: error \(DownloadError\): image file size error: manifest says 5 bytes, \S+ is \d+ bytes\n$/,
    ],
    [
      "sha1",
      { size: 1536, sha1: "abc" },
      /error \(DownloadError\): image file checksum \(sha1\) error: manifest says "abc", \S+ is "[0-9a-f]{40}"\n$/,
    ],
  ])("checks the %s of the file", async (_, entry, words) => {
    const manifest = { files: [{ ...entry, compression: "none" }] };
    const answer = await lab.install({ uuid: BASE, members: [{ name: "d/" }], manifest });
    expect(answer.status).toBe(1);
    expect(answer.stderr).toMatch(words);
  });

  it.each([
    [["-f", "x"], "error: -m <manifest> (string) is required"],
    [["-m", "/nope", "-f", "x"], 'error (Usage): manifest path does not exist: "/nope"'],
  ])("refuses arguments %j", async (args, words) => {
    expect(await lab.imgadm("install", ...args)).toEqual({
      status: 1,
      stdout: "",
      stderr: `imgadm install: ${words}\n`,
    });
  });

  it.each([
    [{ foo: 1 }, "ManifestValidation", "invalid manifest: foo"],
    [{ name: undefined, foo: 1 }, "ManifestValidation", "invalid manifest: name (MissingParameter), foo"],
    [{ origin: null }, "ManifestValidation", "invalid manifest: origin"],
    [
      { requirements: { min_platform: { "7.0": "20990101T000000Z" } } },
      "MinPlatform",
      'current platform version, 7.0/20250501T001122Z, does not satisfy requirements.min_platform={"7.0":"20990101T000000Z"}',
    ],
  ])("refuses manifest %j after the first line, with -E as JSON", async (manifest, code, message) => {
    const args = await lab.prepare({ uuid: BASE, members: [], manifest });
    const answer = await lab.imgadm("-E", ...args);
    expect(answer).toMatchObject({ status: 1, stdout: expect.stringMatching(/^Installing image .*\n$/) as string });
    const record = JSON.parse(answer.stderr.trimEnd().split("\n").at(-1) ?? "") as Record<string, unknown>;
    expect(Object.keys(record)).toEqual(["name", "req_id", "hostname", "pid", "level", "err", "msg", "time", "v"]);
    expect(record).toMatchObject({ name: "imgadm", level: 50, err: { code, message }, msg: message, v: 0 });
  });

  it("waits for the lock of another install and finds the image there", async () => {
    const args = await lab.prepare({ uuid: BASE, members: [file("a")] });
    const title = `${BASE} (docker-layer@10000000)`;
    const first = lab.imgadmFailing("imgadm.install.untar=delay(1300)", ...args);
    await expect.poll(() => existsSync(join(lab.root, "zones", `${BASE}-partial`))).toBe(true);
    const second = await lab.imgadm(...args);
    expect(await first).toMatchObject({ status: 0 });
    expect(second).toEqual({
      status: 0,
      stdout:
        `Installing image ${title}\nWaiting for image ${BASE} import lock\n` +
        `Image ${title} was installed while waiting on lock\n`,
      stderr: "",
    });
  });

  it("gets rid of the partial dataset a killed install left", async () => {
    const args = await lab.prepare({ uuid: BASE, members: [file("a")] });
    const killed = await child(["imgadm", ...args], { LABHOST_FAILPOINTS: "imgadm.install.whiteouts=kill" });
    expect(killed.signal).toBe("SIGKILL");
    expect(await lab.datasetNames()).toContain(`zones/${BASE}-partial`);
    const again = await lab.imgadm(...args);
    expect(again.status).toBe(0);
    expect(again.stdout).toContain(
      `Warning: deleting partial dataset left over from earlier import attempt: zones/${BASE}-partial\n`,
    );
    expect(await lab.datasetNames()).toEqual(["zones", `zones/${BASE}`, `zones/${BASE}@final`]);
  });

  it.each(["json", "untar", "whiteouts", "snapshot", "rename"])(
    "leaves no dataset when it fails at %s",
    async (place) => {
      const args = await lab.prepare({ uuid: BASE, members: [file("a")] });
      const answer = await lab.imgadmFailing(`imgadm.install.${place}=error(no luck)`, ...args);
      expect(answer).toMatchObject({ status: 1, stderr: "imgadm install: error (InternalError): no luck\n" });
      expect(await lab.datasetNames()).toEqual(["zones"]);
      expect((await lab.imgadm(...args)).status).toBe(0);
    },
  );
});

interface ChildOutcome {
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command as a process of its own. */
function child(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<ChildOutcome> {
  return new Promise((resolve) => {
    const options = { env: { PATH: "/usr/bin:/bin", LABHOST_ROOT: lab.root, ...env }, cwd: lab.work, timeout: 20_000 };
    const argv = ["--disable-warning=ExperimentalWarning", MAIN, "--as", ...args];
    const process_ = execFile(process.execPath, argv, options, (_, stdout, stderr) => {
      resolve({ signal: process_.signalCode, stdout, stderr });
    });
  });
}

describe("delete and vacuum", () => {
  beforeEach(async () => {
    await lab.install({ uuid: BASE, members: [file("a")] });
    await lab.install({ uuid: NEXT, origin: BASE, members: [file("b")] });
  });

  it("refuses an image with clones, whatever they are called, and deletes leaves", async () => {
    await lab.zfs("clone", `zones/${BASE}@final`, "zones/oddly-named");
    expect(await lab.imgadm("delete", BASE)).toEqual({
      status: 1,
      stdout: "",
      stderr:
        `imgadm delete: error (ImageHasDependentClones): image "${BASE}" has dependent clones: ` +
        `zones/${NEXT} and 1 others...\n`,
    });
    expect(await lab.imgadm("delete", NEXT)).toEqual({ status: 0, stdout: `Deleted image ${NEXT}\n`, stderr: "" });
    expect((await lab.imgadm("delete", BASE)).stderr).toContain(`has dependent clones: zones/oddly-named\n`);
    expect(await lab.imgadm("delete", NEXT)).toMatchObject({ status: 3 });
    expect(existsSync(join(lab.root, "zones", NEXT))).toBe(false);
    expect(existsSync(join(lab.root, `var/imgadm/images/zones-${NEXT}.json`))).toBe(false);
  });

  it("fails as zfs does while something is mounted in the image", async () => {
    const inside = lab.path(NEXT, "b-mount");
    mkdirSync(inside);
    execFileSync("mount", ["-t", "tmpfs", "lab", inside]);
    const answer = await lab.imgadm("delete", NEXT);
    execFileSync("umount", [inside]);
    expect(answer).toEqual({
      status: 1,
      stdout: "",
      stderr:
        `imgadm delete: error (InternalError): error deleting image "${NEXT}":\n` +
        `\targv: ["/usr/sbin/zfs","destroy","-r","zones/${NEXT}"]\n\texit status: 1\n\tstdout:\n\n\tstderr:\n` +
        `cannot unmount '/zones/${NEXT}': Device busy\n`,
    });
    expect((await lab.imgadm("delete", NEXT)).status).toBe(0);
  });

  it("counts clones by the form of their names, lists all with get -r", async () => {
    await lab.zfs("clone", `zones/${BASE}@final`, "zones/oddly-named");
    const [base] = JSON.parse((await lab.imgadm("list", "-j")).stdout) as Record<string, unknown>[];
    expect(base).toMatchObject({ clones: 1, cloneNames: [`zones/${NEXT}`] });
    const got = JSON.parse((await lab.imgadm("get", "-r", BASE)).stdout) as Record<string, unknown>;
    expect(got["children"]).toEqual({
      snapshots: [`zones/${BASE}@final`],
      clones: [`zones/${NEXT}`, "zones/oddly-named"],
    });
  });

  it("vacuums whole unused chains and bare datasets, leaves before origins, and spares zones", async () => {
    await lab.install({ uuid: LAST, members: [file("c")] });
    await lab.store.clone(`zones/${LAST}@final`, `zones/${ZONE}`);
    const bare = "40000000-0000-0000-0000-000000000004";
    const kept = "50000000-0000-0000-0000-000000000005";
    await lab.zfs("create", `zones/${bare}`);
    await lab.zfs("create", "-o", "imgadm:ignore=true", `zones/${kept}`);
    const preview = await lab.imgadm("vacuum", "-n", "-f");
    const lines = (prefix: string): string =>
      [`${NEXT} (docker-layer@20000000)`, bare, `${BASE} (docker-layer@10000000)`]
        .map((title) => `${prefix}Deleted image ${title}\n`)
        .join("");
    expect(preview).toEqual({ status: 0, stdout: lines("[dry-run] "), stderr: "" });
    expect(await lab.imgadm("vacuum", "-f")).toEqual({ status: 0, stdout: lines(""), stderr: "" });
    expect((await lab.datasetNames()).filter((name) => !name.includes("@"))).toEqual([
      "zones",
      `zones/${LAST}`,
      `zones/${kept}`,
      `zones/${ZONE}`,
    ]);
    expect(await lab.imgadm("vacuum", "-f")).toEqual({ status: 0, stdout: "", stderr: "" });
  });

  it("does not count a configured zone's dataset as an image", async () => {
    await lab.zfs("create", `zones/${ZONE}`);
    mkdirSync(join(lab.root, "etc/zones"), { recursive: true });
    expect((await lab.imgadm("list", "-H", "-o", "uuid")).stdout).toContain(ZONE);
    writeFileSync(join(lab.root, `etc/zones/${ZONE}.json`), "{}");
    expect((await lab.imgadm("list", "-H", "-o", "uuid")).stdout).toBe(`${BASE}\n${NEXT}\n`);
  });
});

describe("list", () => {
  it("prints nothing at all without rows", async () => {
    expect(await lab.imgadm("list")).toEqual({ status: 0, stdout: "", stderr: "" });
    expect(await lab.imgadm("list", "-j")).toEqual({ status: 0, stdout: "[]\n", stderr: "" });
  });

  it("fails as a table, and lives as plain JSON, with a docker image without docker:id", async () => {
    await lab.install({ uuid: BASE, members: [], manifest: { tags: undefined } });
    const failure = "imgadm list: error: Cannot read property 'docker:id' of undefined\n";
    for (const args of [[], ["--docker"], ["-j", "type=docker"]])
      expect(await lab.imgadm("list", ...args)).toEqual({ status: 1, stdout: "", stderr: failure });
    expect(JSON.parse((await lab.imgadm("list", "-j")).stdout)).toHaveLength(1);
  });

  it("adds computed fields inside the manifest when a filter is given with -j", async () => {
    await lab.install({ uuid: BASE, members: [] });
    const [element] = JSON.parse((await lab.imgadm("list", "-j", "clones=0")).stdout) as { manifest: object }[];
    expect(element?.manifest).toMatchObject({ clones: 0, zpool: "zones", docker_short_id: "sha256:10000" });
    expect((await lab.imgadm("list", "-H", "-o", "uuid", "clones=1")).stdout).toBe("");
  });

  it.each(["list", "get", "vacuum"])("dies in %s of a corrupt JSON file", async (subcommand) => {
    await lab.install({ uuid: BASE, members: [] });
    writeFileSync(join(lab.root, `var/imgadm/images/zones-${BASE}.json`), '{"manifest":');
    const { signal, stderr } = await child(["imgadm", "-E", subcommand, ...(subcommand === "get" ? [BASE] : [])]);
    expect(signal).toBe("SIGABRT");
    expect(stderr).toMatch(/^Uncaught SyntaxError: .*\n\nFROM\n/);
  });
});

describe("ancestry, sources and the rest", () => {
  it("walks from the image to its base", async () => {
    await lab.install({ uuid: BASE, members: [], manifest: { published_at: "2018-07-17T07:30:00.123Z" } });
    await lab.install({ uuid: NEXT, origin: BASE, members: [], manifest: { published_at: "2018-07-17T07:30:00Z" } });
    expect((await lab.imgadm("ancestry", NEXT)).stdout).toBe(
      "UUID                                  NAME          VERSION   PUBLISHED\n" +
        `${NEXT}  docker-layer  20000000  2018-07-17T07:30:00Z\n` +
        `${BASE}  docker-layer  10000000  2018-07-17T07:30:00Z\n`,
    );
    expect(await lab.imgadm("ancestry", "x")).toMatchObject({
      status: 1,
      stderr: "imgadm ancestry: error: uuid (uuid) is required\n",
    });
  });

  it.each([
    [["get", LAST], 3, `imgadm get: error (ImageNotInstalled): image "${LAST}" was not found on zpool "zones"\n`],
    [["info", "foo"], 1, 'imgadm info: error (InvalidUUID): invalid uuid: "foo"\n'],
    [["get"], 1, 'imgadm get: error (Usage): incorrect number of args (0): ""\n'],
    [["list", "foo"], 1, 'imgadm list: error (Usage): invalid filter: "foo" (must be of the form "field=value")\n'],
    [["list", "--x"], 1, 'imgadm list: error (Option): unknown option: "--x"\n'],
    [["bar"], 1, 'imgadm: error (UnknownCommand): unknown command: "bar"\n'],
    [
      ["import", "busybox"],
      1,
      'imgadm import: error (ActiveImageNotFound): an active image "busybox" was not found in image sources\n',
    ],
    [["show", "busybox"], 1, 'imgadm show: error (ImageNotFound): image "busybox" was not found\n'],
    [["sources", "-a", "x", "-t", "y"], 1, "imgadm sources: error: format is not defined\n"],
    [
      ["sources", "-t", "docker", "-a", "foo"],
      1,
      'imgadm sources: error: invalid index, "foo" does not look like a valid host: foo\n',
    ],
  ])("answers %j with exit status %d", async (args, status, stderr) => {
    expect(await lab.imgadm(...args)).toEqual({ status, stdout: "", stderr });
  });

  it("adds, shows and deletes sources", async () => {
    const url = "https://reg.example.com:5000";
    expect((await lab.imgadm("sources", "-f", "-k", "-t", "docker", "-a", url)).stdout).toBe(
      `Added "docker" image source "${url}" (insecure)\n`,
    );
    expect((await lab.imgadm("sources", "-k", "-t", "docker", "-a", `${url}/`)).stdout).toBe(
      `Already have "docker" image source "${url}/" (insecure), no change\n`,
    );
    expect(JSON.parse((await lab.imgadm("sources", "-j")).stdout)).toEqual([
      { url: "https://images.smartos.org", type: "imgapi" },
      { url, type: "docker", insecure: true },
    ]);
    expect((await lab.imgadm("sources", "-d", url)).stdout).toBe(`Deleted "docker" image source "${url}"\n`);
    expect((await lab.imgadm("sources", "-d", url)).stdout).toBe(`Do not have image source "${url}", no change\n`);
  });
});
