// `zonelet-lab`: sets up and tends a lab host. Called under the name of a platform command (`--as vmadm …`), it is that
// command; called as `--zoneadmd <uuid>`, it is a zone's supervisor. Everything is loaded when it is needed: these
// programs run in the place of small native ones.
import { LabError, refuseSunOS } from "./lab.ts";
import { nodeTooOld } from "../util/node-version.ts";
import { runCommand, type EmulatedCommand } from "./command.ts";

const commands: Readonly<Record<string, () => Promise<EmulatedCommand>>> = {
  imgadm: async () => (await import("./commands/imgadm.ts")).imgadm,
  kstat: async () => (await import("./commands/kstat.ts")).kstat,
  nictagadm: async () => (await import("./commands/nictagadm.ts")).nictagadm,
  sysinfo: async () => (await import("./commands/sysinfo.ts")).sysinfo,
  vmadm: async () => (await import("./commands/vmadm.ts")).vmadm,
  zfs: async () => (await import("./commands/zfs.ts")).zfs,
  zlogin: async () => (await import("./commands/zlogin.ts")).zlogin,
  zoneadm: async () => (await import("./commands/zoneadm.ts")).zoneadm,
  zonename: async () => (await import("./commands/zonename.ts")).zonename,
  zpool: async () => (await import("./commands/zpool.ts")).zpool,
};

const USAGE = `usage: zonelet-lab <command>

  init [--nic-tag TAG]...   set up the lab host, or repair it
  shell                     a shell in which vmadm, imgadm and the others are the lab's
  status                    what this machine grants, the zones, their mounts and groups
  boot                      what a boot of the machine does: mount datasets, boot zones with autoboot
  destroy [--yes]           halt all zones and remove the lab host with everything in it

The lab host lives in $LABHOST_ROOT (default /var/lib/zonelet-lab, or ~/.local/share/zonelet-lab without root).
`;

async function main([command, ...args]: readonly string[]): Promise<number> {
  switch (command) {
    case "--as": {
      const load = commands[args[0] ?? ""];
      if (!load) throw new LabError(`the lab host has no command "${args[0] ?? ""}"`);
      return runCommand(args[0] ?? "", await load(), args.slice(1));
    }
    case "--zoneadmd":
      return (await import("./zoneadmd.ts")).superviseZone(args[0] ?? "");
    case "init":
      refuseSunOS();
      return (await import("./setup/init.ts")).init(args);
    case "shell":
      return (await import("./setup/shell.ts")).shell();
    case "status":
      return (await import("./setup/status.ts")).status();
    case "boot":
      return (await import("./setup/boot.ts")).boot();
    case "destroy":
      return (await import("./setup/destroy.ts")).destroy(args);
    case "--help":
    case "-h":
    case "help":
      process.stdout.write(USAGE);
      return 0;
    default:
      process.stderr.write(command === undefined ? USAGE : `zonelet-lab: no command "${command}"\n\n${USAGE}`);
      return 2;
  }
}

try {
  const tooOld = nodeTooOld();
  if (tooOld !== undefined) throw new LabError(tooOld);
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof LabError)) throw error;
  process.stderr.write(`zonelet-lab: ${error.message}\n`);
  process.exitCode = 1;
}
