// Which words start a further process in a running container, as the user, in the directory and with the variables that
// were asked for. Pure.
//
// dockerexec gives the process the container's own user, directory and variables, and knows no others (dockerinit.md 9.2).
// What differs is done in the zone, by the platform's own shell (/native/usr/bin/bash, as cn-agent uses it for copies):
// a tenant's programs run only where nothing else can give what was asked for (`su` for a third user).
import { AgentError } from "../errors/agent-error.ts";
import type { VmObject } from "../vmadm/schema.ts";

export interface ExecRequest {
  /** Program and arguments; at least one word. */
  readonly argv: readonly string[];
  /** Default: the container's user. */
  readonly user?: string | undefined;
  /** Default: the container's directory. */
  readonly workdir?: string | undefined;
  /** `NAME=value`, over the container's own. */
  readonly env?: readonly string[] | undefined;
  /** Its streams lead nowhere: nobody will be there to hold them. */
  readonly silent?: boolean;
}

export interface ExecPlan {
  readonly words: readonly string[];
  /** dockerexec talks first and says when the command begins. */
  readonly prelude: boolean;
}

const BASH = "/native/usr/bin/bash";

/** DIR NAME=value... -- COMMAND...; Docker's 126 for a directory that cannot be entered. */
const SCRIPT =
  'if [ -n "$1" ]; then cd -- "$1" || exit 126; fi; shift; ' +
  'while [ "$1" != -- ]; do export "$1"; shift; done; shift; exec "$@"';

/** Without dockerexec the variables come from the container's first process, where no argument list shows them. */
const INHERIT = 'while IFS= read -r -d "" entry; do export "$entry"; done </proc/1/environ; ';

const SILENT = 'exec </dev/null >/dev/null 2>&1; exec "$@"';

/** su(1) of the container: its own look at passwd and group, the variables kept, HOME the user's. */
const AS_USER = 'HOME=$(eval "printf %s ~$0"); export HOME; exec "$@"';

export function planExec(vm: VmObject, request: ExecRequest): ExecPlan {
  check(request);
  const { workdir = "", env = [], silent = false } = request;
  const argv = silent ? [BASH, "-c", SILENT, "exec", ...request.argv] : request.argv;
  const own = normalUser(vm.internal_metadata["docker:user"]);
  const user = request.user === undefined ? own : normalUser(request.user);
  if (user === own) {
    const dockerexec = vm.brand === "lx" ? "/native/usr/vm/sbin/dockerexec" : "/usr/vm/sbin/dockerexec";
    const changed = workdir !== "" || env.length > 0;
    const command = changed ? [BASH, "-c", SCRIPT, "exec", workdir, ...env, "--", ...argv] : argv;
    return { words: [dockerexec, ...command], prelude: true };
  }
  if (user !== "root" && !NAME.test(user))
    throw new AgentError("SPEC_UNSUPPORTED", `exec cannot take user "${user}": the platform knows no way`, {
      hint: "give root, or a name of the container's /etc/passwd, without a group",
    });
  const directory = workdir === "" ? String(vm.internal_metadata["docker:workdir"] ?? "/") : workdir;
  const command = user === "root" ? argv : ["su", "-m", "-s", "/bin/sh", "-c", AS_USER, "--", user, user, ...argv];
  return { words: [BASH, "-c", INHERIT + SCRIPT, "exec", directory, ...env, "--", ...command], prelude: false };
}

const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** `root` in all its spellings is `root`. */
function normalUser(value: unknown): string {
  const text = typeof value === "string" || typeof value === "number" ? String(value) : "";
  return ["", "0", "root", "0:0", "root:root", "0:root", "root:0"].includes(text) ? "root" : text;
}

function check({ argv, workdir, env = [] }: ExecRequest): void {
  if (argv[0] === undefined || argv[0] === "") throw new AgentError("NO_COMMAND", "no command to execute was given");
  for (const word of [...argv, workdir ?? "", ...env])
    if (word.includes("\0")) throw new AgentError("USAGE", "an argument cannot hold a NUL");
  if (workdir !== undefined && !workdir.startsWith("/"))
    throw new AgentError("USAGE", `the working directory must be absolute, not "${workdir}"`);
  for (const entry of env)
    if (!/^[A-Za-z_]\w*=/s.test(entry))
      throw new AgentError("USAGE", `"${entry.split("=")[0] ?? ""}" is no name of a variable`);
}
