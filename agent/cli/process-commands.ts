// top, update, pause, unpause
import type { Command } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import { listProcesses } from "../zones/top.ts";
import type { ContainerChanges } from "../zones/update.ts";
import { waitNotice, type CliContext } from "./context.ts";
import { safeText } from "./output.ts";

export function addProcessCommands(program: Command, context: CliContext): void {
  program
    .command("top")
    .description("show the processes of a running container")
    .argument("<container>")
    .argument("[ps-options...]", "options of the platform's ps(1); default -ef")
    .passThroughOptions()
    .action(async (reference: string, options: string[]) => {
      const { containers, host } = context.agent();
      const { signal } = context.interrupts;
      const vm = await containers.find(reference, { signal });
      const text = await listProcesses(host, vm, options, signal);
      // Names of processes are the tenant's.
      await context.output.out(text.split("\n").map(safeText).join("\n"));
    });

  program
    .command("update")
    .description("change caps and restart policy of containers, running or not")
    .argument("<container...>")
    .option("-m, --memory <size>", "memory cap, e.g. 512m")
    .option("--memory-swap <size>", "cap of memory plus swap")
    .option("--cpus <n>", "CPU cap in CPUs, e.g. 1.5; 0 for none")
    .option("--pids-limit <n>", "limit of threads")
    .option("--restart <policy>", "no, always, on-failure[:N] or unless-stopped")
    .action(async (references: string[], options: ContainerChanges) => {
      const { containers } = context.agent();
      const { signal } = context.interrupts;
      for (const reference of references) {
        await containers.update(reference, options, { signal, onWait: waitNotice(context) });
        await context.output.out(`${safeText(reference)}\n`);
      }
    });

  for (const verb of ["pause", "unpause"] as const)
    program
      .command(verb)
      .description("not on this platform: a zone cannot be frozen")
      .argument("<container...>")
      .action(async (references: string[]) => {
        for (const reference of references)
          await context.agent().containers.find(reference, { signal: context.interrupts.signal });
        throw new AgentError("PAUSE_UNSUPPORTED", `${verb}: the platform cannot freeze the processes of a zone`, {
          hint: '"zonelet kill -s STOP" stops the first process alone; "zonelet stop" ends the container',
        });
      });
}
