// A process that does nothing but hold the lab's own namespaces open: the network namespace with the bridges of the nic
// tags and, for an ordinary user, the user namespace everything runs in. Started on demand, ended by `zonelet-lab destroy`,
// or by itself some seconds after somebody has removed the lab's root.
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { withLock } from "../../util/lock.ts";
import { LabError, type Lab } from "../lab.ts";
import { childrenOf, identify, isAlive, signalProcess, type ProcessIdentity } from "./process-identity.ts";
import { tool, TOOL_ENVIRONMENT } from "./tools.ts";

const IDLE = 'while [ -e "$1" ]; do sleep 10; done';
const START_DEADLINE_MS = 5000;

export function readKeeper(lab: Lab): ProcessIdentity | undefined {
  try {
    const keeper = JSON.parse(readFileSync(lab.own("runtime/keeper.json"), "utf8")) as ProcessIdentity;
    return isAlive(keeper) ? keeper : undefined;
  } catch {
    return undefined;
  }
}

/** The running keeper; starts one if there is none. Rejects with LabError where the machine does not allow it. */
export async function ensureKeeper(lab: Lab): Promise<ProcessIdentity> {
  return (
    readKeeper(lab) ??
    (await withLock(lab.own("locks/keeper"), async () => readKeeper(lab) ?? (await startKeeper(lab))))
  );
}

/** Ends the keeper and with it, once the last zone is down, the lab's network. */
export function endKeeper(lab: Lab): void {
  const keeper = readKeeper(lab);
  if (keeper) {
    const idle = childrenOf(keeper.pid).flatMap((pid) => identify(pid) ?? []);
    for (const process of [keeper, ...idle]) signalProcess(process, "SIGKILL");
  }
  rmSync(lab.own("runtime/keeper.json"), { force: true });
}

async function startKeeper(lab: Lab): Promise<ProcessIdentity> {
  mkdirSync(lab.own("runtime"), { recursive: true, mode: 0o700 });
  const own = lab.config.privilege === "user" ? ["--user", "--map-root-user", "--net"] : ["--net"];
  const child = spawn(tool("unshare"), [...own, "--", tool("sh"), "-c", IDLE, "keeper", lab.own("lab.json")], {
    detached: true,
    stdio: "ignore",
    cwd: "/",
    env: TOOL_ENVIRONMENT,
  });
  child.unref();
  const deadline = performance.now() + START_DEADLINE_MS;
  while (child.pid !== undefined && child.exitCode === null && performance.now() < deadline) {
    const keeper = identify(child.pid);
    if (keeper && hasOwnNamespaces(lab, child.pid)) {
      writeFileSync(lab.own("runtime/keeper.json"), JSON.stringify(keeper), { mode: 0o600 });
      return keeper;
    }
    await sleep(2);
  }
  throw new LabError(
    "this machine does not let us make namespaces: run the lab host as root, or allow user namespaces",
  );
}

/** The namespaces are made, the ids are mapped and the idle program runs. */
function hasOwnNamespaces(lab: Lab, pid: number): boolean {
  try {
    if (readlinkSync(`/proc/${pid}/ns/net`) === readlinkSync("/proc/self/ns/net")) return false;
    if (!readFileSync(`/proc/${pid}/cmdline`, "utf8").startsWith(tool("sh"))) return false;
    return lab.config.privilege === "root" || readFileSync(`/proc/${pid}/uid_map`, "utf8").trim() !== "";
  } catch {
    return false;
  }
}

/** Prefix of a command that shall run in the lab's user namespace; nothing where root runs the lab. */
export function enterUser(lab: Lab, keeper: ProcessIdentity): string[] {
  if (lab.config.privilege === "root") return [];
  return [tool("nsenter"), `--user=/proc/${keeper.pid}/ns/user`, "--preserve-credentials", "--"];
}

/** Prefix of a command that shall run in the lab's network namespace. */
export function enterNetwork(lab: Lab, keeper: ProcessIdentity): string[] {
  const user = lab.config.privilege === "root" ? [] : [`--user=/proc/${keeper.pid}/ns/user`, "--preserve-credentials"];
  return [tool("nsenter"), ...user, `--net=/proc/${keeper.pid}/ns/net`, "--"];
}
