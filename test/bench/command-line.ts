// The start of the command line beside node itself, and `run --rm` beside podman where it is installed.
// Nothing here is a test: numbers depend on the machine, ratios less so.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { TestLab, ZONELET } from "../support/lab.ts";
import { measure, report, type Candidate } from "./measure.ts";

const lab = await TestLab.create();
const options = { env: lab.environment, cwd: lab.work };
const node = [process.execPath, "--disable-warning=ExperimentalWarning"] as const;
try {
  const zonelet = (name: string, ...args: string[]): Candidate => ({
    name,
    command: node[0],
    args: [node[1], ZONELET, ...args],
    options,
  });
  report(
    "start of the command line",
    measure(
      [zonelet("zonelet version", "version"), { name: "node -e 0", command: process.execPath, args: ["-e", "0"] }],
      15,
    ),
  );
  const lone = { name: "vmadm list (lab)", command: join(lab.root, "bin/vmadm"), args: ["list"], options };
  report(
    "one call of the lab host's vmadm",
    measure([lone, { name: "node -e 0", command: process.execPath, args: ["-e", "0"] }], 15),
  );

  const run = zonelet("zonelet run --rm", "run", "--rm", "demo:1", "true");
  const peer = podman();
  report(
    "run --rm of a present image, exit status passed on (create, start, wait, delete)",
    measure(peer ? [run, peer.run] : [run], 10),
  );

  const box = `zonelet-bench-${process.pid}`;
  spawnSync(run.command, [node[1], ZONELET, "run", "-d", "--name", box, "demo:1", "sleep", "600"], options);
  const exec = zonelet("zonelet exec", "exec", box, "true");
  if (peer) spawnSync("podman", peer.args("run", "-d", "--name", box, "--network=none", "/bin/sleep", "600"));
  try {
    const other = { name: "podman exec", command: "podman", args: [...(peer?.global ?? []), "exec", box, "/bin/true"] };
    report("exec of a program that ends at once", measure(peer ? [exec, other] : [exec], 10));
  } finally {
    if (peer) spawnSync("podman", [...peer.global, "rm", "-f", "-t", "0", box]);
  }
  if (!peer) process.stdout.write("  (podman is not installed or cannot run here: no peer to compare with)\n");
} finally {
  await lab.destroy();
}

interface Podman {
  readonly run: Candidate;
  /** Options before the verb. */
  readonly global: readonly string[];
  /** A whole command line: verb and options, then the program and its arguments from the first word with a slash on. */
  args(...words: readonly string[]): string[];
}

/** podman with the same image, in the first way that can run a container on this machine at all. */
function podman(): Podman | undefined {
  const archive = join(lab.work, "demo.tar");
  const load = spawnSync("podman", ["load", "-q", "-i", archive], { encoding: "utf8" });
  const image = /sha256:[0-9a-f]{64}|localhost\/\S+/.exec(load.stdout)?.[0];
  if (load.status !== 0 || image === undefined) return undefined;
  // Without CAP_SYS_RESOURCE limits cannot be raised; crun refuses hybrid cgroups, runc does not.
  const limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024"];
  const variants: readonly (readonly [string[], string[]])[] = [
    [[], []],
    [[], limits],
    [["--runtime=runc"], limits],
  ];
  for (const [global, local] of variants) {
    const args = (...words: readonly string[]): string[] => {
      const program = words.findIndex((word) => word.startsWith("/"));
      return [...global, ...words.slice(0, program), ...local, image, ...words.slice(program)];
    };
    const run = {
      name: "podman run --rm",
      command: "podman",
      args: args("run", "--rm", "--network=none", "/bin/true"),
    };
    if (spawnSync("podman", run.args).status === 0) return { run, global, args };
  }
  return undefined;
}
