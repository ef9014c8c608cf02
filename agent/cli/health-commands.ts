// health, and waiting for it
import { Option, type Command } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import { MARK_KEYS } from "../zoneinit/metadata-keys.ts";
import { parseCount, waitNotice, type CliContext } from "./context.ts";
import { formatData } from "./output.ts";

export interface WaitOptions {
  readonly wait?: boolean;
  /** Seconds. */
  readonly waitTimeout?: number;
}

export function addWaitOptions(command: Command): Command {
  return command
    .option("--wait", "return when the container is healthy; at once where its health is not checked")
    .option("--wait-timeout <seconds>", "with --wait: patience", parseCount("--wait-timeout"));
}

/** Waits where `--wait` asks for it, for a container or all of a group. Raises CONTAINER_UNHEALTHY, DEADLINE. */
export async function awaitHealth(context: CliContext, reference: string, options: WaitOptions): Promise<void> {
  if (options.wait !== true) return;
  const { containers, groups, health } = context.agent();
  const { signal } = context.interrupts;
  const deadline = options.waitTimeout === undefined ? undefined : performance.now() + options.waitTimeout * 1000;
  const verb = async (member: string): Promise<void> => {
    const vm = await containers.find(member, { signal });
    if (vm.internal_metadata[MARK_KEYS.groupRole] === "init") return; // has run to its end
    const timeoutMs = deadline === undefined ? undefined : Math.max(0, Math.ceil(deadline - performance.now()));
    await health.awaitHealthy(vm, { signal, timeoutMs });
  };
  await groups.each(reference, "forth", verb, { signal });
}

export function checkWaitOptions(options: WaitOptions): void {
  if (options.waitTimeout !== undefined && options.wait !== true)
    throw new AgentError("USAGE", "--wait-timeout says how long --wait waits", { hint: "add --wait" });
}

export function addHealthCommand(program: Command, context: CliContext, setStatus: (code: number) => void): void {
  program
    .command("health")
    .description("run a container's health check once, now, and count its result; exit status 1 when it fails")
    .argument("<container>")
    .addOption(new Option("-o, --output <format>", "table or json").choices(["table", "json"]).default("table"))
    .action(async (reference: string, options: { output: "table" | "json" }) => {
      const { containers, health } = context.agent();
      const { signal } = context.interrupts;
      const vm = await containers.find(reference, { signal, onWait: waitNotice(context) });
      const state = await health.check(vm, { force: true, signal });
      const last = state.log.at(-1);
      const good = last?.exitCode === 0;
      if (!good) setStatus(1);
      if (options.output === "json") {
        const { status, failingStreak } = state;
        await context.output.out(formatData({ status, failingStreak, check: last }, "json"));
        return;
      }
      const streak = state.failingStreak === 0 ? "" : `, ${state.failingStreak} failures in a row`;
      const code = last === undefined || last.exitCode < 0 ? "" : ` with exit status ${last.exitCode}`;
      await context.output.out(`${state.status} (the check ${good ? "passed" : `failed${code}`}${streak})\n`);
      const words = (last?.output ?? "").trimEnd();
      if (words !== "") await context.output.err(`${words}\n`);
    });
}
