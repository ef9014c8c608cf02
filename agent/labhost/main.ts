// `zonelet-lab`: sets up and tends a lab host. Called under the name of a platform command (`--as vmadm …`), it is that command.
import { LabError } from "./lab.ts";
import { runCommand, type EmulatedCommand } from "./command.ts";

const commands: Record<string, () => Promise<EmulatedCommand>> = {
  imgadm: async () => (await import("./commands/imgadm.ts")).imgadm,
  vmadm: async () => (await import("./commands/vmadm.ts")).vmadm,
};

async function main(argv: readonly string[]): Promise<number> {
  if (argv[0] === "--as") {
    const name = argv[1] ?? "";
    const load = commands[name];
    if (!load) throw new LabError(`the lab host has no command "${name}"`);
    return runCommand(name, await load(), argv.slice(2));
  }
  throw new LabError("usage: zonelet-lab init|shell|status|boot|destroy");
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  process.stderr.write(`zonelet-lab: ${error.message}\n`);
  process.exitCode = 1;
}
