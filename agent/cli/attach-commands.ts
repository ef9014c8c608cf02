// attach and start: the two ways to a container that exists.
import type { Command } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import { readsInput } from "../zones/attach.ts";
import { containerName } from "../zones/find.ts";
import { watchZones } from "../zones/watch.ts";
import type { CliContext } from "./context.ts";
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from "./detach-keys.ts";
import { describeBootFailure, runForeground, type ForegroundOptions } from "./foreground.ts";

interface AttachOptions {
  readonly detachKeys: string;
  readonly sigProxy: string | boolean;
  readonly stdin: boolean;
}

export function addAttachCommand(program: Command, context: CliContext, setStatus: (code: number) => void): void {
  program
    .command("attach")
    .description("show a running container's output from now on, and hand our input to it")
    .argument("<container>")
    .option("--detach-keys <keys>", "keys that leave the container running (in a terminal)", DEFAULT_DETACH_KEYS)
    .option("--sig-proxy [bool]", "hand SIGINT and SIGTERM to the container; false: they end us only", "true")
    .option("--no-stdin", "show output only")
    .action(async (reference: string, options: AttachOptions) => {
      const signals = parseProxy(options.sigProxy);
      const detachKeys = parseDetachKeys(options.detachKeys);
      setStatus(await attach(context, reference, { detachKeys, signals, input: options.stdin, from: { tail: 0 } }));
    });
}

/**
 * Shows a container until it has ended or we leave it. With `start` it is started first. Resolves to the exit status of
 * the container, or 0 after leaving.
 */
export async function attach(
  context: CliContext,
  reference: string,
  options: ForegroundOptions & { readonly start?: boolean },
): Promise<number> {
  const { containers, vmadm } = context.agent();
  const { signal } = context.interrupts;
  const found = await containers.find(reference, { signal });
  const name = containerName(found);
  if (found.zlog_mode !== undefined && !found.zlog_mode.startsWith("g"))
    throw new AgentError(
      "LOG_UNAVAILABLE",
      `container "${name}" keeps no log (log driver "none"): nothing can be shown`,
    );
  if (found.state !== "running" && options.start !== true)
    throw new AgentError("CONTAINER_NOT_RUNNING", `container "${name}" is not running`, {
      hint: `start it: zonelet start -a ${name}`,
    });
  using watch = await watchZones(vmadm, { zone: found.uuid, readySignal: signal });
  let { from } = options;
  if (options.start === true && found.state !== "running") {
    from = { since: `${new Date().toISOString().slice(0, -1)}000000Z` };
    await containers.start(reference, { signal });
    // What the zone was before the start is no answer to how it ended.
    await watch.until(
      found.uuid,
      (now) => now === undefined || now.state === "running" || now.exit_timestamp !== found.exit_timestamp,
      AbortSignal.timeout(60_000),
    );
  }
  const place = { zone: found.uuid, zonepath: found.zonepath };
  const input = options.input && readsInput(found);
  const end = await runForeground(context, watch, place, { ...options, input, ...(from ? { from } : {}) });
  if (!end) return 0;
  if (end.bootFailure) await context.output.err(`zonelet: ${describeBootFailure(name, end.bootFailure)}\n`);
  return end.bootFailure?.dockerCode ?? end.exit.code;
}

function parseProxy(value: string | boolean): "proxy" | "leave" {
  if (value === true || value === "true") return "proxy";
  if (value === "false") return "leave";
  throw new AgentError("USAGE", `--sig-proxy takes true or false, not "${String(value)}"`);
}
