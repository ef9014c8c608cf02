// rename
import type { Command } from "commander";
import { waitNotice, type CliContext } from "./context.ts";

export function addRenameCommand(program: Command, context: CliContext): void {
  program
    .command("rename")
    .description("give a container a new name, running or not; its host name stays")
    .argument("<container>", "name, uuid, docker id or a unique prefix of one")
    .argument("<name>", "the new name")
    .action(async (reference: string, name: string) => {
      const options = { signal: context.interrupts.signal, onWait: waitNotice(context) };
      const vm = await context.agent().containers.rename(reference, name, options);
      await context.output.out(`${vm.alias ?? name}\n`);
    });
}
