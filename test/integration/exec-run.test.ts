// The funnel of host commands, against real processes.
import { spawn } from "node:child_process";
import { readFile, mkdtemp, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { CommandError } from "../../agent/exec/errors.ts";
import { createCommandRunner } from "../../agent/exec/run.ts";
import type { CommandTrace, HostCommand } from "../../agent/exec/command.ts";
import { eventually, isAlive } from "../support/eventually.ts";

const SH = "/bin/sh";
const traces: CommandTrace[] = [];
const runner = createCommandRunner({ env: { PATH: "/usr/bin:/bin", A: "1" }, onDone: (trace) => traces.push(trace) });
let directory: string;

beforeEach(async () => {
  traces.length = 0;
  directory = await mkdtemp(join(tmpdir(), "zl-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

function shell(script: string, more: Partial<HostCommand> = {}) {
  return runner.run({ path: SH, args: ["-c", script], timeoutMs: 10_000, mutates: false, ...more });
}

async function failureOf(promise: Promise<unknown>): Promise<CommandError> {
  const error: unknown = await promise.then(
    () => new Error("it succeeded"),
    (reason: unknown) => reason,
  );
  if (error instanceof CommandError) return error;
  throw error;
}

describe.each([{ mutates: false }, { mutates: true }])("run, mutates: $mutates", ({ mutates }) => {
  it("gives both streams, untrimmed, and reports the call", async () => {
    const result = await shell("echo out; echo err >&2", { mutates });
    expect(result).toMatchObject({ stdout: "out\n", stderr: "err\n" });
    expect(traces).toMatchObject([{ argv: [SH, "-c", "echo out; echo err >&2"], exitCode: 0 }]);
  });

  it("passes the payload on stdin and closes it", async () => {
    const { stdout } = await shell("cat; echo end", { mutates, input: "x".repeat(300_000) });
    expect(stdout.length).toBe(300_000 + "end\n".length);
  });

  it("gives an empty stdin without a payload", async () => {
    expect((await shell("cat; echo end", { mutates })).stdout).toBe("end\n");
  });

  it("inherits no environment, no directory, and adds the command's own variables", async () => {
    const { stdout } = await runner.run({
      path: "/usr/bin/env",
      args: [],
      timeoutMs: 10_000,
      mutates,
      env: { B: "2" },
    });
    expect(stdout.split("\n").filter(Boolean).sort()).toEqual(["A=1", "B=2", "PATH=/usr/bin:/bin"]);
    expect((await shell("pwd", { mutates })).stdout).toBe("/\n");
  });

  it("tells of a missing program", async () => {
    const error = await failureOf(runner.run({ path: "/nowhere/vmadm", args: ["get"], timeoutMs: 10_000, mutates }));
    expect(error).toMatchObject({ failure: "missing", code: "HOST_COMMAND_MISSING" });
    expect(error.message).toBe("/nowhere/vmadm is not installed");
  });

  it("keeps status and both tails of a failed command", async () => {
    const error = await failureOf(shell("echo a; echo first >&2; echo last >&2; exit 3", { mutates }));
    expect(error.failure).toBe("exit");
    expect(error.outcome).toMatchObject({ exitCode: 3, stdoutTail: "a\n", stderrTail: "first\nlast\n" });
    expect(error.lastStderrLine).toBe("last");
    expect(traces).toMatchObject([{ exitCode: 3, failure: "exit" }]);
  });

  it("keeps at most 64 KiB of a tail", async () => {
    const error = await failureOf(
      shell("head -c 200000 /dev/zero | tr '\\0' x >&2; echo end >&2; exit 1", { mutates }),
    );
    expect(error.outcome.stderrTail.length).toBe(64 * 1024);
    expect(error.outcome.stderrTail.endsWith("xend\n")).toBe(true);
  });

  it("tells of a signal", async () => {
    const error = await failureOf(shell("echo Uncaught >&2; kill -ABRT $$", { mutates }));
    expect(error).toMatchObject({ failure: "signal", outcome: { signal: "SIGABRT", stderrTail: "Uncaught\n" } });
  });

  it("refuses more output than its limit", async () => {
    const error = await failureOf(shell("head -c 5000 /dev/zero", { mutates, maxBuffer: 1000 }));
    expect(error.failure).toBe("output-limit");
  });

  it("starts nothing when the signal has aborted already", async () => {
    const pids: number[] = [];
    const error = await failureOf(
      shell("true", { mutates, signal: AbortSignal.abort(), onSpawn: (pid) => pids.push(pid) }),
    );
    expect(error).toMatchObject({ failure: "aborted", code: "CANCELLED" });
    expect(pids).toEqual([]);
  });

  it("names the child before waiting and tells when it has ended", async () => {
    const happened: string[] = [];
    await shell("sleep 0.1", {
      mutates,
      onSpawn: (pid) => happened.push(isAlive(pid) ? "spawned" : "dead"),
      onExit: () => happened.push("ended"),
    });
    expect(happened).toEqual(["spawned", "ended"]);
  });
});

describe("a command that only reads", () => {
  it("is ended at its deadline, with its children", async () => {
    const pidFile = join(directory, "pid");
    const started = performance.now();
    const error = await failureOf(shell(`sleep 30 & echo $! > ${pidFile}; wait`, { timeoutMs: 300 }));
    expect(error).toMatchObject({ failure: "timeout", code: "DEADLINE" });
    expect(performance.now() - started).toBeLessThan(4_000);
    const grandchild = Number(await readFile(pidFile, "utf8"));
    await eventually(() => !isAlive(grandchild), { what: "grandchild ended" });
  });

  it("is ended by an abort", async () => {
    const pids: number[] = [];
    const error = await failureOf(
      shell("sleep 30", { signal: AbortSignal.timeout(100), onSpawn: (pid) => pids.push(pid) }),
    );
    expect(error).toMatchObject({ failure: "aborted", code: "CANCELLED", cause: { name: "TimeoutError" } });
    await eventually(() => !isAlive(pids[0]!), { what: "child ended" });
  });

  it("is stopped when it prints more than its limit", async () => {
    const pids: number[] = [];
    await failureOf(shell("exec yes", { maxBuffer: 1000, onSpawn: (pid) => pids.push(pid) }));
    await eventually(() => !isAlive(pids[0]!), { what: "child ended" });
  });
});

describe("a command that changes the host", () => {
  it.each(["timeout", "aborted"] as const)("runs on when it is given up (%s), output and all", async (failure) => {
    const [begun, go, done] = ["begun", "go", "done"].map((name) => join(directory, name));
    const script = `echo begun >&2; touch ${begun}; while [ -d ${directory} ] && [ ! -e ${go} ]; do sleep 0.02; done; echo more >&2 && touch ${done}`;
    const abort = new AbortController();
    const happened: string[] = [];
    const running = failureOf(
      shell(script, {
        mutates: true,
        ...(failure === "timeout" ? { timeoutMs: 500 } : { signal: abort.signal }),
        onExit: () => happened.push("ended"),
      }),
    );
    await eventually(() => existsSync(begun!), { what: "the command runs" });
    abort.abort();
    const error = await running;
    expect(error.failure).toBe(failure);
    expect(error.outcome.stderrTail).toBe("begun\n");
    expect(happened).toEqual([]);
    await shell(`touch ${go}`);
    await eventually(() => existsSync(done!), { what: "the command came to its end" });
    await eventually(() => happened.length > 0, { what: "its end is told" });
  });

  it("outlives a killed agent", async () => {
    const done = join(directory, "done");
    const go = join(directory, "go");
    const agent = `
      import { createCommandRunner } from ${JSON.stringify(join(process.cwd(), "agent/exec/run.ts"))};
      const runner = createCommandRunner({ env: { PATH: "/usr/bin:/bin" } });
      const script = "while [ -d ${directory} ] && [ ! -e ${go} ]; do sleep 0.02; done; echo words; echo words >&2; touch ${done}";
      await runner.run({
        path: "/bin/sh", args: ["-c", script], timeoutMs: 20000, mutates: true,
        onSpawn: () => process.kill(process.pid, "SIGKILL"),
      });`;
    const error = await failureOf(
      runner.run({
        path: process.execPath,
        args: ["--input-type=module", "-e", agent],
        timeoutMs: 20_000,
        mutates: false,
      }),
    );
    expect(error.outcome.signal).toBe("SIGKILL");
    await shell(`touch ${go}`);
    await eventually(() => existsSync(done), { what: "the command came to its end" });
  });

  it("does not keep an agent that gave it up from ending", async () => {
    const go = join(directory, "go");
    const agent = `
      import { createCommandRunner } from ${JSON.stringify(join(process.cwd(), "agent/exec/run.ts"))};
      const runner = createCommandRunner({ env: { PATH: "/usr/bin:/bin" } });
      const script = "while [ -d ${directory} ] && [ ! -e ${go} ]; do sleep 0.02; done";
      const error = await runner
        .run({ path: "/bin/sh", args: ["-c", script], input: "x", timeoutMs: 100, mutates: true })
        .catch((reason) => reason);
      console.log(error.failure);`;
    const { stdout } = await runner.run({
      path: process.execPath,
      args: ["--input-type=module", "-e", agent],
      timeoutMs: 10_000,
      mutates: false,
    });
    expect(stdout).toBe("timeout\n");
    expect(existsSync(go)).toBe(false);
    await shell(`touch ${go}`);
  });

  it("leaves no file of its output behind", async () => {
    await shell("echo x", { mutates: true });
    await failureOf(runner.run({ path: "/nowhere", args: [], timeoutMs: 1000, mutates: true }));
    const { stdout } = await shell(`ls -A ${tmpdir()}`);
    expect(stdout).not.toContain(`.zonelet-${process.pid}-`);
  });
});

describe("lines", () => {
  const lines = (script: string, signal?: AbortSignal) => runner.lines({ path: SH, args: ["-c", script], signal });
  const collect = async (stream: AsyncIterable<string>): Promise<string[]> => {
    const all: string[] = [];
    for await (const line of stream) all.push(line);
    return all;
  };

  it("yields lines, the last one without an end included", async () => {
    expect(await collect(lines("printf 'a\\n\\nb'"))).toEqual(["a", "", "b"]);
  });

  it("ends the child when the consumer leaves", async () => {
    const stream = lines("while :; do echo a; sleep 0.02; done");
    for await (const line of stream) {
      expect(line).toBe("a");
      break;
    }
    await eventually(() => !isAlive(stream.pid!), { what: "child ended" });
  });

  it("ends the child when the consumer throws while nothing is printed any more", async () => {
    const stream = lines("echo a; exec sleep 30");
    const consume = async (): Promise<void> => {
      for await (const line of stream) throw new Error(`got ${line}`);
    };
    await expect(consume()).rejects.toThrow("got a");
    await eventually(() => !isAlive(stream.pid!), { what: "child ended" });
  });

  it("runs in a group of its own, out of reach of a terminal's Ctrl-C", async () => {
    const stream = lines("cut -d ' ' -f 5 /proc/self/stat");
    expect(await collect(stream)).toEqual([String(stream.pid)]);
  });

  it("finishes on stop, and at the end of a using block", async () => {
    const stream = lines("echo a; exec sleep 30");
    const all = collect(stream);
    stream.stop();
    stream.stop();
    expect((await all).length).toBeLessThan(2);
    let pid: number | undefined;
    {
      await using other = lines("exec sleep 30");
      pid = other.pid;
    }
    expect(isAlive(pid!)).toBe(false);
  });

  it("a killed owner leaves no command that prints lines", async () => {
    const module = JSON.stringify(join(import.meta.dirname, "../../agent/exec/run.ts"));
    const script = `import { createCommandRunner } from ${module};
      const stream = createCommandRunner({ env: {} }).lines({ path: "/bin/sh", args: ["-c", "echo $$; exec sleep 300"] });
      for await (const line of stream) console.log(line);`;
    const owner = spawn(process.execPath, ["--input-type=module", "-e", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pid = await new Promise<string>((resolve) =>
      owner.stdout.once("data", (chunk: Buffer) => {
        resolve(chunk.toString().trim());
      }),
    );
    owner.kill("SIGKILL");
    await eventually(() => !isAlive(Number(pid)), { what: "the command has ended" });
  });

  it("fails with status and words when the command dies", async () => {
    const error = await failureOf(collect(lines("echo a; echo why >&2; exit 4")));
    expect(error).toMatchObject({ failure: "exit", outcome: { exitCode: 4, stderrTail: "why\n" } });
    expect((await failureOf(collect(lines("kill -ABRT $$")))).outcome.signal).toBe("SIGABRT");
    const missing = await failureOf(collect(runner.lines({ path: "/nowhere", args: [] })));
    expect(missing.code).toBe("HOST_COMMAND_MISSING");
  });

  it("fails as aborted and ends the child", async () => {
    const controller = new AbortController();
    const stream = lines("echo a; exec sleep 30", controller.signal);
    const consume = async (): Promise<void> => {
      for await (const line of stream) if (line === "a") controller.abort();
    };
    expect((await failureOf(consume())).failure).toBe("aborted");
    await eventually(() => !isAlive(stream.pid!), { what: "child ended" });
  });

  it("outlasts much stderr", async () => {
    expect(await collect(lines("head -c 3000000 /dev/zero >&2; echo a"))).toEqual(["a"]);
  });
});
