// A host whose commands are small shell scripts: exactly one behaviour of the platform per test, traps included.
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCommandRunner } from "../../agent/exec/run.ts";
import type { HostBinary } from "../../agent/host/binaries.ts";
import { createHost, type Host } from "../../agent/host/host.ts";

export interface ScriptedHost extends AsyncDisposable {
  readonly root: string;
  readonly host: Host;
  /** Sets what a command does. In the script `$LOG` names a file for traces, `$ROOT` the root. */
  script(command: HostBinary, body: string): Promise<void>;
  /** Lines the scripts wrote to `$LOG`. */
  log(): Promise<string[]>;
}

export async function scriptedHost(): Promise<ScriptedHost> {
  const root = await mkdtemp(join(tmpdir(), "zl-"));
  const bin = join(root, "bin");
  const logFile = join(root, "log");
  await mkdir(bin);
  const runner = createCommandRunner({ env: { PATH: "/usr/bin:/bin", LC_ALL: "C", LOG: logFile, ROOT: root } });
  return {
    root,
    host: createHost({ root, binDirs: [bin], runner }),
    async script(command, body) {
      const path = join(bin, command);
      await writeFile(path, `#!/bin/sh\n${body}\n`);
      await chmod(path, 0o755);
    },
    log: async () => (existsSync(logFile) ? (await readFile(logFile, "utf8")).split("\n").slice(0, -1) : []),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}
