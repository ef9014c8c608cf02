// system tidy: what the daemon would do from time to time.
import type { Command } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import { formatBytes } from "../util/units.ts";
import { waitNotice, type CliContext } from "./context.ts";
import { safeText } from "./output.ts";

export function addTidyCommand(system: Command, context: CliContext): void {
  system
    .command("tidy")
    .description("remove rotated logs beyond max-file; with logs.archive they are handed on first")
    .action(async () => {
      const { containers, logJanitor } = context.agent();
      const { signal } = context.interrupts;
      const zones = await containers.list({ signal, onWait: waitNotice(context) });
      const { removed, bytes, kept, busy } = await logJanitor.tidy(zones, signal);
      if (busy) throw new AgentError("LOCKED", "logs are being tidied up already");
      await context.output.out(`${removed} rotated log files removed, ${formatBytes(bytes)}\n`);
      for (const { path, reason } of kept) await context.output.err(`kept: ${safeText(path)}: ${safeText(reason)}\n`);
      if (kept.length > 0)
        throw new AgentError("LOG_ARCHIVE_FAILED", `logs of ${kept.length} containers could not be archived`, {
          hint: "they are kept; see logs.archive of the configuration",
        });
    });
}
