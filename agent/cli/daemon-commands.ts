// daemon and status
import { Option, type Command } from "commander";
import { createDaemonClient } from "../daemon/client.ts";
import { startDaemon } from "../daemon/daemon.ts";
import { hasCode } from "../errors/agent-error.ts";
import { shareEvents } from "../vmadm/shared-events.ts";
import { parseFormat, type CliContext } from "./context.ts";
import { formatData, humanAge, type OutputFormat } from "./output.ts";

export function addDaemonCommands(program: Command, context: CliContext, setStatus: (code: number) => void): void {
  program
    .command("daemon")
    .description("watch this node's zones and serve its commands; in the foreground, as SMF wants it")
    .action(async () => {
      const stop = new AbortController();
      let daemon: Awaited<ReturnType<typeof startDaemon>> | undefined;
      const give = context.interrupts.take((signal) => {
        if (signal === "SIGHUP") daemon?.reload();
        else stop.abort();
      });
      try {
        const agent = context.freshAgent({ defaultLevel: "info" });
        const { events, vmadm, latencies } = agent;
        daemon = await startDaemon({
          agent,
          reload: () => context.freshAgent({ defaultLevel: "info", latencies }),
          events,
          zones: (signal) => shareEvents(vmadm, signal),
          version: context.version,
          latencies,
          signal: stop.signal,
        });
        await daemon.done;
      } finally {
        give();
      }
    });

  program
    .command("status")
    .description("tell whether a daemon runs here, and what it knows; exit status 5 when none does")
    .addOption(new Option("-o, --output <format>", "table, json or yaml").argParser(parseFormat).default("table"))
    .action(async (options: { output: OutputFormat }) => {
      const { host } = context.agent();
      try {
        const status = await createDaemonClient(host.paths.socket).status(context.interrupts.signal);
        if (options.output !== "table") {
          await context.output.out(formatData(status, options.output));
        } else {
          const { zones, events } = status;
          const states = Object.entries(zones.byState).map(([state, count]) => `${count} ${state}`);
          const lines = [
            `daemon    ${status.ready ? "ready" : `not ready: ${status.problem ?? "starting"}`}, version ${status.version}, pid ${status.pid}, up ${humanAge(Date.now() - Date.parse(status.startedAt))}`,
            `host      ${status.root}${status.config === undefined ? "" : `, configured by ${status.config}`}`,
            `zones     ${zones.total}${states.length === 0 ? "" : ` (${states.join(", ")})`}, ${zones.ours} made by zonelet`,
            `events    ${events.oldest} to ${events.newest}, ${events.readers} following; stream begun anew ${status.resyncs} times`,
          ];
          await context.output.out(`${lines.join("\n")}\n`);
        }
        if (!status.ready) setStatus(5);
      } catch (error) {
        if (!hasCode(error, "DAEMON_UNREACHABLE")) throw error;
        if (options.output === "table") await context.output.out("no daemon runs here; commands work without one\n");
        else await context.output.out(formatData({ ready: false, problem: "no daemon runs here" }, options.output));
        setStatus(5);
      }
    });
}
