// `zonelet-lab shell`: a shell whose vmadm, imgadm and so on are the lab's.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { openLab } from "../lab.ts";

export async function shell(): Promise<number> {
  const lab = openLab();
  const program = process.env["SHELL"] ?? "/bin/sh";
  // Many start-up files set a prompt of their own.
  if (process.stdin.isTTY) process.stderr.write(`vmadm, imgadm and the others are those of ${lab.root}; exit leaves\n`);
  const child = spawn(program, [], {
    stdio: "inherit",
    env: {
      ...process.env,
      LABHOST_ROOT: lab.root,
      PATH: `${join(lab.root, "bin")}:${process.env["PATH"] ?? "/usr/bin:/bin"}`,
      PS1: "[lab] \\w \\$ ",
      PROMPT: "[lab] %~ %# ",
    },
  });
  // The terminal's signals are the shell's.
  process.on("SIGINT", () => undefined);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
}
