// Zones of the lab host as real process trees: what their init is, how they end, what they log and what they leave behind.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bootZone, haltZone, signalInit, zoneRuntime } from "../../agent/labhost/runtime.ts";
import { grantedControllers } from "../../agent/labhost/runtime/cgroups.ts";
import { readKeeper } from "../../agent/labhost/runtime/keeper.ts";
import { childrenOf } from "../../agent/labhost/runtime/process-identity.ts";
import { loadVm, setInternalMetadata } from "../../agent/labhost/zone-store.ts";
import { eventually, isAlive } from "../support/eventually.ts";
import { RuntimeLab, type ZoneOptions } from "../support/runtime-lab.ts";

let host: RuntimeLab;
beforeAll(() => {
  host = new RuntimeLab();
});
afterAll(() => {
  host.destroy();
  expect(existsSync(host.work)).toBe(false);
});

async function run(options: ZoneOptions): Promise<string> {
  const uuid = await host.addZone(options);
  await bootZone(host.lab, uuid);
  await host.ended(uuid);
  return uuid;
}

async function start(options: ZoneOptions): Promise<string> {
  const uuid = await host.addZone(options);
  await bootZone(host.lab, uuid);
  expect(zoneRuntime(host.lab, uuid).zoneState).toBe("running");
  return uuid;
}

function zlogin(...args: string[]): string {
  return execFileSync(host.lab.path("/bin/zlogin"), ["-Q", ...args], { encoding: "utf8", stdio: "pipe" });
}

function supervisorOf(uuid: string): number {
  const state = JSON.parse(readFileSync(host.stateFile(uuid), "utf8")) as { supervisor: { pid: number } };
  return state.supervisor.pid;
}

/** Without the lab's keeper, which any zone may have started. */
function descendantsOf(pid: number): number[] {
  return childrenOf(pid)
    .filter((child) => child !== readKeeper(host.lab)?.pid)
    .flatMap((child) => [child, ...descendantsOf(child)]);
}

/** Control groups of a zone, on any hierarchy. */
function groupsOf(uuid: string): string[] {
  return Object.values(grantedControllers()).flatMap((hierarchy) =>
    hierarchy === undefined
      ? []
      : readdirSync(hierarchy.directory)
          .filter((name) => name.startsWith("zonelet-lab-"))
          .map((name) => `${hierarchy.directory}/${name}/${uuid}`)
          .filter((path) => existsSync(path)),
  );
}

test.each([
  ["its own", "web", "web"],
  ["the zone's, not the machine's, where it has none", undefined, undefined],
])("the host name is %s", async (_, hostname, expected) => {
  const uuid = await run({ cmd: ["cat", "/proc/sys/kernel/hostname"], properties: { hostname } });
  expect(host.output(uuid, "stdout")).toBe(`${expected ?? uuid}\n`);
});

describe("how a container ends", () => {
  test("its exit code is in lastexited and everything it said in the log", async () => {
    const uuid = await run({ cmd: ["sh", "-c", "echo out; echo err >&2; exit 3"] });
    expect(host.read(uuid, "lastexited")).toMatch(/^\d+\.\d{1,6} 768\n$/);
    expect(host.output(uuid, "stdout")).toBe("out\n");
    expect(host.output(uuid, "stderr")).toBe("err\n");
    const events = host.records(uuid).filter(({ stream }) => stream === "logfile");
    expect(events.map(({ msg }) => msg)).toEqual(["open", "close"]);
    expect(lstatSync(host.path(uuid, "logs/stdio.log")).mode & 0o777).toBe(0o600);
    expect(lstatSync(host.path(uuid, "logs")).mode & 0o777).toBe(0o700);
    expect(existsSync(host.path(uuid, "root/var/svc/provision_success"))).toBe(true);
  });

  test.each([
    ["an exit code that looks like a signal's", ["sh", "-c", "exit 137"], 137 << 8],
    ["a signal of its own", ["sh", "-c", "sleep 60 & kill -SEGV $! ; wait $!; exit 5"], 5 << 8],
  ])("%s is told apart", async (_, cmd, status) => {
    expect(host.status(await run({ cmd }))).toBe(status);
  });

  test.each([
    ["no command", { metadata: {} }, 13, "No command specified"],
    ["a command not in PATH", { cmd: ["nodde"] }, 17, "'nodde' not found in PATH"],
    ["broken JSON", { metadata: { "docker:cmd": "[1" } }, 20, "failed to parse JSON(docker:cmd)"],
    ["a missing file", { cmd: ["/bin/nope"] }, 25, "stat(/bin/nope): No such file or directory"],
    ["a directory", { cmd: ["/etc"] }, 26, "stat(/etc): is a directory"],
    ["a file without x", { cmd: ["/etc/noexec"] }, 27, "stat(/etc/noexec): is not executable"],
    ["an unknown user", { cmd: ["id"], metadata: { "docker:user": "nobody" } }, 29, "UID is not a number: nobody"],
    ["an unknown group", { cmd: ["id"], metadata: { "docker:user": "node:x" } }, 5, "GID is not a number: x"],
    [
      "an NFS volume",
      { cmd: ["id"], metadata: { "docker:nfsvolumes": '[{"nfsvolume":"h:/x","mountpoint":"/x"}]' } },
      58,
      "exited non-zero",
    ],
    ["no format", { cmd: ["no-format"] }, 3, "failed: Exec format error"],
  ])("dockerinit refuses %s", async (_, options, code, message) => {
    const uuid = await run(options);
    expect(host.status(uuid)).toBe(code << 8);
    const log = host.read(uuid, "root/var/log/sdc-dockerinit.log").trimEnd().split("\n");
    expect(log.at(-1)).toContain(`FATAL (code: ${code}): `);
    expect(log.at(-1)).toContain(message);
    expect(host.output(uuid, "stderr")).toBe("");
  });

  test("an unexpected element aborts dockerinit", async () => {
    expect(host.status(await run({ metadata: { "docker:cmd": '["a",1]' } }))).toBe(6);
  });
});

describe("what the process sees", () => {
  test("user, groups, working directory, environment, arguments", async () => {
    const uuid = await run({
      cmd: ["sh", "-c", 'id; pwd; env; echo "$0|$1"; stat -c %a:%u /srv/app', "zero", "o n'e"],
      metadata: {
        "docker:user": "node",
        "docker:workdir": "srv/app/",
        "docker:env": JSON.stringify(["A=1 'x' $y", "PATH=/bin", "=no", "E="]),
      },
    });
    const lines = host.output(uuid, "stdout").split("\n");
    expect(lines[0]).toBe("uid=1000(node) gid=1000(node) groups=63(audio),1000(node)");
    expect(lines[1]).toBe("/srv/app");
    expect(lines).toEqual(expect.arrayContaining(["A=1 'x' $y", "PATH=/bin", "E=", "TERM=xterm", "HOME=/home/node"]));
    expect(lines).toEqual(expect.arrayContaining(["HOSTNAME=web", "zero|o n'e", "755:0"]));
  });

  test("an unlisted numeric user is root, as on the platform", async () => {
    const uuid = await run({ cmd: ["id", "-u"], metadata: { "docker:user": "4711" } });
    expect(host.output(uuid, "stdout")).toBe("0\n");
  });

  test("init is pid 1, stdin is empty, the streams are pipes that can be opened again", async () => {
    const uuid = await run({
      cmd: ["sh", "-c", "echo pid $$; cat; echo again >/dev/stdout; test -t 1 || echo no terminal"],
      metadata: { "docker:user": "node" },
    });
    expect(host.output(uuid, "stdout")).toBe("pid 1\nagain\nno terminal\n");
  });

  test("LD_ variables reach the container and not the machine's programs", async () => {
    const uuid = await host.addZone({ cmd: ["env"], metadata: { "docker:env": '["LD_PRELOAD=/none.so"]' } });
    mkdirSync(host.path(uuid, "root/usr/bin"), { recursive: true });
    symlinkSync("/bin/busybox", host.path(uuid, "root/usr/bin/env"));
    await bootZone(host.lab, uuid);
    await host.ended(uuid);
    expect(host.output(uuid, "stdout")).toContain("LD_PRELOAD=/none.so\n");
    expect(host.output(uuid, "stderr")).toBe("");
  });

  test("lofs mounts, read-only ones included; nothing of the machine", async () => {
    mkdirSync(host.lab.path("/data"), { recursive: true });
    writeFileSync(host.lab.path("/data/file"), "shared\n");
    const uuid = await run({
      cmd: ["sh", "-c", "cat /mnt/deep/file; echo x >/mnt/deep/new; ls -d /work"],
      filesystems: [{ source: "/data", target: "/mnt/deep", type: "lofs", options: ["ro"] }],
    });
    expect(host.output(uuid, "stdout")).toBe("shared\n");
    expect(host.output(uuid, "stderr")).toContain("Read-only file system");
    expect(host.output(uuid, "stderr")).toContain("/work: No such file");
  });

  test("a tenant's links do not lead dockerinit's log out of the zone", async () => {
    const uuid = await host.addZone({ cmd: ["true"] });
    const outside = `${host.work}/outside`;
    mkdirSync(outside);
    symlinkSync(outside, host.path(uuid, "root/var/log"));
    await bootZone(host.lab, uuid);
    await host.ended(uuid);
    expect(readdirSync(outside)).toEqual([]);
  });

  test("a terminal: one stream, CRNL, its own session", async () => {
    const uuid = await run({
      cmd: ["sh", "-c", "test -t 1 && echo terminal; echo err >&2"],
      metadata: { "docker:tty": true },
      properties: { zlog_mode: "gt-" },
    });
    expect(host.output(uuid, "stdout")).toBe("terminal\r\nerr\r\n");
    expect(host.output(uuid, "stderr")).toBe("");
  });
});

describe("signals, halt and death", () => {
  test.each([
    ["SIGTERM", 15],
    ["SIGUSR1", 16],
    ["SIGKILL", 9],
  ] as const)("%s ends an init that does not care, with illumos' number", async (signal, status) => {
    const uuid = await start({ cmd: ["sleep", "600"], metadata: { "docker:user": "node" } });
    expect(await signalInit(host.lab, uuid, signal)).toBe(true);
    await host.ended(uuid);
    expect(host.status(uuid)).toBe(status);
    expect(await signalInit(host.lab, uuid, signal)).toBe(false);
  });

  test("a handler is called", async () => {
    const uuid = await start({ cmd: ["sh", "-c", "trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done"] });
    await eventually(() => host.output(uuid, "stdout") === "ready\n", { what: "ready" });
    await signalInit(host.lab, uuid, "SIGTERM");
    await host.ended(uuid);
    expect(host.status(uuid)).toBe(7 << 8);
  });

  test("a halt records -1, and once more says it was halted", async () => {
    const uuid = await start({ cmd: ["sleep", "600"] });
    const { pid } = zoneRuntime(host.lab, uuid);
    await expect(bootZone(host.lab, uuid)).rejects.toThrow("already booted");
    expect(await haltZone(host.lab, uuid)).toBe(true);
    expect(host.status(uuid)).toBe(-1);
    expect(isAlive(pid ?? 0)).toBe(false);
    expect(groupsOf(uuid)).toEqual([]);
    expect(await haltZone(host.lab, uuid)).toBe(false);
  });

  test.each([
    ["", {}],
    [" with a terminal", { "docker:tty": true, "docker:open_stdin": true }],
  ])("a killed supervisor takes its zone%s along and leaves nothing", async (_, metadata) => {
    const uuid = await start({
      cmd: ["sleep", "600"],
      metadata: { "docker:user": "node", ...metadata },
      address: "10.99.0.9",
    });
    const { pid } = zoneRuntime(host.lab, uuid);
    const processes = descendantsOf(supervisorOf(uuid));
    expect(processes).toContain(pid);
    process.kill(supervisorOf(uuid), "SIGKILL");
    await eventually(() => !processes.some(isAlive), { what: "every process gone" });
    await eventually(() => !isAlive(pid ?? 0), { what: "init killed" });
    expect(zoneRuntime(host.lab, uuid).zoneState).toBe("installed");
    expect(await haltZone(host.lab, uuid)).toBe(false);
    expect(groupsOf(uuid)).toEqual([]);
    await bootZone(host.lab, uuid);
    expect(zoneRuntime(host.lab, uuid).zoneState).toBe("running");
    await haltZone(host.lab, uuid);
  });

  test("a boot that fails says why and leaves nothing", async () => {
    const uuid = await host.addZone({
      cmd: ["true"],
      filesystems: [{ source: "/nowhere", target: "/x", type: "lofs" }],
    });
    await expect(bootZone(host.lab, uuid)).rejects.toThrow('mount of "/nowhere" on "/x" failed');
    expect(existsSync(host.stateFile(uuid))).toBe(false);
    expect(groupsOf(uuid)).toEqual([]);
  });
});

test("a log driver without its logger kills the container, as on a host without Triton", async () => {
  const uuid = await run({
    cmd: ["sleep", "600"],
    metadata: { "docker:logdriver": "syslog", "docker:logconfig": "{}" },
  });
  expect(host.status(uuid)).toBe(9);
  expect(host.read(uuid, "root/var/log/sdc-dockerinit.log")).toContain("LOGGER ERROR killing init");
});

describe("caps and network", () => {
  test.skipIf(grantedControllers().memory === undefined)("memory beyond the cap kills the container", async () => {
    const uuid = await run({
      cmd: ["sh", "-c", "dd if=/dev/zero of=/dev/shm/x bs=1M count=64"],
      properties: { max_physical_memory: 16, max_swap: 16 },
    });
    expect(host.output(uuid, "stderr")).not.toContain("64+0 records out");
    expect(host.status(uuid)).not.toBe(0);
  });

  test("two zones reach each other", async () => {
    const [a] = await Promise.all([
      start({ cmd: ["sleep", "600"], address: "10.99.0.1" }),
      start({ cmd: ["sleep", "600"], address: "10.99.0.2" }),
    ]);
    expect(zlogin(a, "ping", "-c", "1", "-w", "5", "10.99.0.2")).toContain("1 packets received");
  });

  test("zlogin runs dockerexec with the container's user and passes its exit code on", async () => {
    const uuid = await start({ cmd: ["sleep", "600"], metadata: { "docker:user": "node", "docker:env": '["A=b"]' } });
    expect(zlogin(uuid, "/native/usr/vm/sbin/dockerexec", "sh", "-c", "id -u; echo $A")).toBe("1000\nb\n");
    expect(() => zlogin(uuid, "/native/usr/vm/sbin/dockerexec", "nope")).toThrow(
      expect.objectContaining({ status: 17 }) as Error,
    );
  });
});

test("in a zone with su a shell reads the command once more, except with -i", async () => {
  const uuid = await host.addZone({ cmd: ["sleep", "600"], metadata: { "docker:user": "node" } });
  symlinkSync("busybox", host.path(uuid, "root/bin/su"));
  await bootZone(host.lab, uuid);
  const helper = "/native/usr/vm/sbin/dockerexec";
  expect(zlogin(uuid, "echo", "$HOME", "a  b", ";", "id", "-u")).toBe("/root a  b\n0\n");
  expect(zlogin(uuid, helper, "echo", "$HOME", "a  b", ";", "id", "-u")).toBe("/root a  b\n0\n");
  // With -i the three streams are one terminal, so the helper's log comes first.
  expect(zlogin("-i", uuid, helper, "echo", "$HOME", ";", "id")).toMatch(/EXEC\r?\n\$HOME ; id\r?\n$/);
  expect(() => zlogin(uuid, helper, "sh", "-c", "exit 9")).toThrow(expect.objectContaining({ status: 9 }) as Error);
});

describe("zlogin -I", () => {
  const attachTo = (uuid: string, input: string): string =>
    execFileSync(host.lab.path("/bin/zlogin"), ["-Q", "-I", uuid], { encoding: "utf8", input, timeout: 20_000 });

  test("input reaches the container, its end too; output comes back and is logged", async () => {
    const uuid = await start({
      cmd: ["sh", "-c", "cat; echo bye >&2; exit 4"],
      metadata: { "docker:open_stdin": true },
    });
    expect(attachTo(uuid, "hello\n~swallowed\n")).toBe("hello\nswallowed\n");
    await host.ended(uuid);
    expect(host.status(uuid)).toBe(4 << 8);
    expect(host.output(uuid, "stdout")).toBe("hello\nswallowed\n");
    expect(host.output(uuid, "stderr")).toBe("bye\n");
  });

  test("a container waits for its client; what it says first is not lost", async () => {
    const uuid = await start({
      cmd: ["echo", "first"],
      metadata: { "docker:wait_for_attach": Date.now() + 60_000 },
    });
    const child = spawn(host.lab.path("/bin/zlogin"), ["-I", uuid], { stdio: ["pipe", "pipe", "inherit"] });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const { pid } = zoneRuntime(host.lab, uuid);
    expect(pid).toBe(supervisorOf(uuid));
    await eventually(() => host.read(uuid, "root/var/log/sdc-dockerinit.log").includes("INFO Waiting until"), {
      what: "dockerinit waits",
    });
    await eventually(() => said.includes("[Connected to zone"), { what: "the client is there" });
    await setInternalMetadata(host.lab, uuid, { "docker:wait_for_attach": undefined });
    await host.ended(uuid);
    await eventually(() => said.includes("]\nfirst\n"), { what: "the first words" });
  });

  test.each([
    ["a time in the past", 1, 45 << 8],
    ["no time", "soon", 43 << 8],
  ])("%s ends the wait", async (_, value, status) => {
    expect(host.status(await run({ cmd: ["true"], metadata: { "docker:wait_for_attach": value } }))).toBe(status);
  });

  test("a container that waits can be killed", async () => {
    const uuid = await start({ cmd: ["true"], metadata: { "docker:wait_for_attach": Date.now() + 60_000 } });
    expect(await signalInit(host.lab, uuid, "SIGTERM")).toBe(true);
    await host.ended(uuid);
    expect(host.status(uuid)).toBe(15);
  });

  test("a terminal echoes", async () => {
    const uuid = await start({
      cmd: ["sh", "-c", "read line; echo got $line"],
      metadata: { "docker:open_stdin": true, "docker:tty": true },
      properties: { zlog_mode: "gt-" },
    });
    const child = spawn(host.lab.path("/bin/zlogin"), ["-Q", "-I", uuid], { stdio: ["pipe", "pipe", "inherit"] });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.stdin.write("hello\n");
    await host.ended(uuid);
    await eventually(() => said === "hello\r\ngot hello\r\n", { what: "the terminal's output" });
    expect(host.output(uuid, "stdout")).toBe("hello\r\ngot hello\r\n");
    await eventually(() => child.exitCode === 0, { what: "zlogin ended" });
  });
});

describe("log and restarts", () => {
  test("the log is rotated by size and on SIGUSR1", async () => {
    const uuid = await start({
      cmd: [
        "sh",
        "-c",
        "yes 0123456789012345678901234567890123456789 | dd bs=1k count=1200 2>/dev/null; echo done; sleep 600",
      ],
      properties: { zlog_max_size: 1 },
    });
    await eventually(() => host.output(uuid, "stdout").endsWith("done\n"), { within: 15_000, what: "done" });
    const rotated = (): string[] =>
      readdirSync(host.path(uuid, "logs")).filter((name) => /^stdio\.log\.\d{8}T\d{6}Z$/.test(name));
    expect(rotated()).not.toEqual([]);
    expect(host.records(uuid)[0]).toMatchObject({ stream: "logfile", msg: "open-rotate" });
    expect(host.read(uuid, "logs", rotated()[0] ?? "").trimEnd()).toMatch(/"msg":"close-rotate" }$/);
    process.kill(supervisorOf(uuid), "SIGUSR1");
    await eventually(() => host.records(uuid).length === 1, { what: "rotated by hand" });
    await haltZone(host.lab, uuid);
  });

  test("on-failure restarts up to its limit", async () => {
    const uuid = await host.addZone({
      cmd: ["sh", "-c", "echo run; exit 1"],
      metadata: { "docker:restartpolicy": "on-failure:2", "docker:restartcount": 0 },
      properties: { autoboot: true },
    });
    await bootZone(host.lab, uuid);
    await eventually(() => host.output(uuid, "stdout") === "run\nrun\nrun\n", { within: 10_000, what: "three runs" });
    await host.ended(uuid);
    expect(loadVm(host.lab, uuid)?.["internal_metadata"]).toMatchObject({
      "docker:restartcount": 2,
      "docker:restartdelay": 400,
    });
  });
});
