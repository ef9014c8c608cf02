// start, stop, restart, kill, rm, wait
import type { Command } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import { fromUnknown } from "../errors/chain.ts";
import { attach } from "./attach-commands.ts";
import { DEFAULT_DETACH_KEYS, parseDetachKeys } from "./detach-keys.ts";
import { addWaitOptions, awaitHealth, checkWaitOptions, type WaitOptions } from "./health-commands.ts";
import { parseCount, waitNotice, type CliContext } from "./context.ts";
import { safeText } from "./output.ts";

interface StartOptions extends WaitOptions {
  readonly attach: boolean;
  readonly interactive: boolean;
  readonly detachKeys: string;
}

export function addContainerCommands(program: Command, context: CliContext, setStatus: (code: number) => void): void {
  const verbOptions = () => ({ signal: context.interrupts.signal, onWait: waitNotice(context) });

  const timeout = ["-t, --time <seconds>", "patience before SIGKILL", parseCount("--time")] as const;

  addWaitOptions(program.command("start"))
    .description("start stopped containers")
    .argument("<container...>", "containers, or groups by their names")
    .option("-a, --attach", "show its output, and return its exit status", false)
    .option("-i, --interactive", "hand our input to it", false)
    .option("--detach-keys <keys>", "keys that leave the container running (in a terminal)", DEFAULT_DETACH_KEYS)
    .action(async (references: string[], options: StartOptions) => {
      checkWaitOptions(options);
      if (!options.attach && !options.interactive) {
        await each(references, async (reference) => {
          await context.agent().groups.start(reference, verbOptions());
          await awaitHealth(context, reference, options);
        });
        return;
      }
      if (options.wait === true)
        throw new AgentError("USAGE", "--wait is for containers in the background", { hint: "leave -a and -i out" });
      const [reference, ...others] = references;
      if (reference === undefined || others.length > 0)
        throw new AgentError("USAGE", "only one container can be attached to");
      const detachKeys = parseDetachKeys(options.detachKeys);
      const input = options.interactive;
      setStatus(await attach(context, reference, { start: true, detachKeys, signals: "proxy", input }));
    });

  program
    .command("stop")
    .description("stop containers: their stop signal, then SIGKILL")
    .argument("<container...>", "containers, or groups by their names")
    .option(...timeout)
    .action((references: string[], options: { time?: number }) =>
      each(references, (reference) =>
        context
          .agent()
          .groups.each(
            reference,
            "back",
            (member) => context.agent().containers.stop(member, { ...verbOptions(), timeoutS: options.time }),
            verbOptions(),
          ),
      ),
    );

  program
    .command("restart")
    .description("stop and start containers")
    .argument("<container...>", "containers, or groups by their names")
    .option(...timeout)
    .action((references: string[], options: { time?: number }) =>
      each(references, (reference) =>
        context.agent().groups.restart(reference, { ...verbOptions(), timeoutS: options.time }),
      ),
    );

  program
    .command("kill")
    .description("send a signal to the first process of containers")
    .argument("<container...>", "containers, or groups by their names")
    .option("-s, --signal <name>", "name or Linux number", "KILL")
    .action((references: string[], options: { signal: string }) =>
      each(references, (reference) =>
        context
          .agent()
          .groups.each(
            reference,
            "back",
            (member) => context.agent().containers.kill(member, options.signal, verbOptions()),
            verbOptions(),
          ),
      ),
    );

  program
    .command("rm")
    .description("delete containers: zone, dataset and record")
    .argument("<container...>", "containers, or groups by their names")
    .option("-v, --volumes", "for Docker's sake: anonymous volumes always go with their container", false)
    .option("-f, --force", "also while running; also a zone zonelet did not make, by its uuid", false)
    .action((references: string[], options: { force: boolean }) =>
      each(references, (reference) =>
        context.agent().groups.remove(reference, { ...verbOptions(), force: options.force }),
      ),
    );

  program
    .command("wait")
    .description("wait until containers have ended and print their exit status")
    .argument("<container...>")
    .action(async (references: string[]) => {
      for (const reference of references) {
        const exit = await context.agent().view.containers.wait(reference, verbOptions());
        await context.output.out(`${exit.code}\n`);
      }
    });

  /** One after another; a failure does not keep the others from being tried, the first one decides the exit status. */
  async function each(references: readonly string[], verb: (reference: string) => Promise<unknown>): Promise<void> {
    const failures: AgentError[] = [];
    for (const reference of references) {
      try {
        await verb(reference);
        await context.output.out(`${safeText(reference)}\n`);
      } catch (error) {
        const failure = fromUnknown(error);
        if (references.length === 1 || context.interrupts.signal.aborted) throw failure;
        failures.push(failure);
        await context.output.err(`${context.formatError(failure)}\n`);
      }
    }
    if (failures[0]) throw new AgentError(failures[0].code, `${failures.length} of ${references.length} failed`);
  }
}
