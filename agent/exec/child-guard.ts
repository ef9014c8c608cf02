// Ends a command when we die, however we die: a guard holds a pipe of ours, and when the pipe breaks because we were
// killed, it ends the command (there is no parent-death signal on illumos).
import { execa } from "execa";

/** A word on its stdin means that all went well, the end of its stdin that whoever watched has died. */
const GUARD = `read -r word && exit 0
kill -s TERM -- "$1" 2>/dev/null || exit 0
n=0; while [ $n -lt 20 ] && kill -s 0 -- "$1" 2>/dev/null; do sleep 0.1; n=$((n + 1)); done
kill -s KILL -- "$1" 2>/dev/null`;

/** `target` as kill(1) takes it: a pid, or minus a group's. Returns how to let the guard go once the command has ended. */
export function guardChild(target: number, env: Readonly<Record<string, string>>): () => void {
  const guard = execa("/bin/sh", ["-c", GUARD, "guard", String(target)], {
    env: { ...env },
    extendEnv: false,
    cwd: "/",
    cleanup: false,
    stdin: "pipe",
    stdout: "ignore",
    stderr: "ignore",
    buffer: false,
    reject: false,
    detached: true,
  });
  guard.stdin.on("error", () => undefined);
  guard.nodeChildProcess.unref();
  return () => {
    guard.stdin.end("done\n");
  };
}
