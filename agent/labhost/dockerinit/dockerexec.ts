// /native/usr/vm/sbin/dockerexec (dockerinit.md 9.2): a further process with the container's own user, working directory
// and environment. Its messages go to stderr, in front of the command's own output.
import type { ZoneFiles } from "../runtime/in-root.ts";
import { formatLogLine } from "./boot-log.ts";
import { credentialsOf } from "./dockerinit.ts";
import { checkExecve, findExecutable } from "./executable.ts";
import { DockerinitFatal } from "./fatal.ts";
import type { Identity } from "./identity.ts";
import type { Metadata } from "./metadata.ts";
import { planEnvironment, planIdentity, planWorkdir } from "./process-plan.ts";

export interface ExecPlan {
  readonly argv: readonly string[];
  readonly env: readonly string[];
  readonly workdir: string;
  readonly identity: Identity;
}

/** A number is dockerexec's exit code; `err` has been told why. */
export function dockerexec(
  argv: readonly string[],
  { metadata, files, err }: { metadata: Metadata; files: ZoneFiles; err: (text: string) => void },
): ExecPlan | number {
  const log = (text: string): void => err(formatLogLine(new Date(), text));
  try {
    const [command] = argv;
    if (command === undefined) throw new DockerinitFatal(13, "no command specified on cmdline, argc: 1");
    const identity = planIdentity(metadata, files, log);
    const workdir = planWorkdir(metadata, files, identity, log);
    const env = planEnvironment(metadata, identity, undefined, log);
    log("DROP PRIVS");
    const executable = findExecutable(files, command, { workdir, env, log });
    log("EXEC");
    checkExecve(files, executable, workdir, credentialsOf(identity));
    return { argv, env, workdir, identity };
  } catch (error) {
    if (!(error instanceof DockerinitFatal)) throw error;
    log(`FATAL (code: ${error.code}): ${error.message}`);
    return error.code;
  }
}
