// If the supervisor is killed, its zone must not outlive it. `unshare --kill-child` would see to that, but the kernel
// forgets the order when the app changes its user. So a shell waits for the end of a pipe of ours and then kills init.
import { spawn } from "node:child_process";
import type { ProcessIdentity } from "./process-identity.ts";
import { tool, TOOL_ENVIRONMENT } from "./tools.ts";

/** `$2` is field 22 of /proc/<pid>/stat: a pid that was given to somebody else meanwhile is left alone. */
const SCRIPT = `
trap '' HUP INT TERM
while IFS= read -r _; do :; done
IFS= read -r stat <"/proc/$1/stat" 2>/dev/null || exit 0
set -f
rest=\${stat##*) }
start=$2
set -- "$1" $rest
pid=$1
shift 20
[ "$1" = "$start" ] && kill -KILL "$pid"
exit 0
`;

/** Ends by itself with us; harmless when the zone has ended before. */
export function startGuard(init: ProcessIdentity): void {
  const guard = spawn(tool("sh"), ["-c", SCRIPT, "guard", String(init.pid), init.start], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
    cwd: "/",
    env: TOOL_ENVIRONMENT,
  });
  guard.on("error", () => undefined);
  guard.unref();
}
