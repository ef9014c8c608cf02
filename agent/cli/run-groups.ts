// run -d and create of documents with several containers: all of them, in order, or none.
import { AgentError } from "../errors/agent-error.ts";
import { fromUnknown } from "../errors/chain.ts";
import type { SpecDocument } from "../spec/read.ts";
import { deploy, type Declared, type OnDeployed } from "../zones/deploy.ts";
import { units } from "./apply-command.ts";
import { waitNotice, type CliContext } from "./context.ts";
import { declare, tellOutcome, type DeclaredContainer } from "./declared.ts";
import type { PullPolicy } from "./plan.ts";

export interface RunGroupOptions {
  readonly keepFailed: boolean;
  readonly pull: PullPolicy;
  readonly quiet: boolean;
  readonly rm?: boolean;
  readonly addUser?: boolean;
  readonly name?: string;
}

export function isGrouped(document: SpecDocument): boolean {
  return document.format === "container" && document.converted?.group !== undefined;
}

/**
 * Prints the id of each container. Killed and given again, it goes on with what is there; a group that is whole, or of
 * another request, is refused. A failure removes what this command has made.
 */
export async function runGroups(
  context: CliContext,
  documents: readonly SpecDocument[],
  options: RunGroupOptions,
  want: "running" | "stopped",
): Promise<void> {
  const { containers, groups, volumes } = context.agent();
  const verbOptions = { signal: context.interrupts.signal, onWait: waitNotice(context) };
  const declared = await declare(context, documents, {
    owner: undefined,
    want,
    name: options.name,
    pull: options.pull,
    quiet: options.quiet,
    keepFailed: options.keepFailed,
    addUser: options.addUser ?? false,
    autoRemove: options.rm ?? false,
    dryRun: false,
  });
  refuseTaken(declared);
  for (const unit of units(declared)) {
    const group = unit[0]?.group?.name;
    const made: string[] = [];
    const onDeployed: OnDeployed = async (one, _outcome, launched) => {
      const prepared = launched?.prepared ?? declared.find(({ name }) => name === one.name)?.prepared;
      await tellOutcome(context, prepared);
      const vm = await containers.find(one.name, verbOptions);
      const id = vm.internal_metadata["docker:id"];
      await context.output.out(`${typeof id === "string" ? id : vm.uuid}\n`);
    };
    const tracked = unit.map((one): Declared => ({
      ...one,
      // What `create` asks for is there already.
      plan: want === "stopped" && one.plan.do === "start" ? { do: "keep" } : one.plan,
      launch: async () => {
        const launched = await one.launch();
        made.unshift(one.name);
        return launched;
      },
    }));
    const work = async (): Promise<void> => {
      try {
        await deploy(tracked, { containers, groups }, onDeployed, { ...verbOptions, want });
      } catch (error) {
        throw await undo(fromUnknown(error), group, made);
      }
    };
    await (group === undefined ? work() : groups.locked(group, verbOptions, work));
  }

  async function undo(cause: AgentError, group: string | undefined, made: readonly string[]): Promise<AgentError> {
    if (group === undefined) return cause;
    const told = `${want === "running" ? "run" : "create"} ${group}: failed`;
    if (options.keepFailed)
      return new AgentError(cause.code, told, {
        cause,
        hint: `kept for inspection; to remove it: zonelet rm -f ${group}`,
      });
    try {
      for (const name of made) await containers.remove(name, { force: true });
      const [name] = declared.flatMap((one) => (one.group?.name === group ? [one.group.name] : []));
      const left = (await containers.list()).some((vm) => vm.internal_metadata["zonelet:group"] === group);
      if (name !== undefined && !left) await volumes.removeGroup(name);
    } catch (error) {
      return new AgentError(cause.code, told, {
        cause,
        hint: `undoing it failed, too (${fromUnknown(error).message}): run "zonelet rm -f ${group}"`,
      });
    }
    const advice = cause.hint === undefined ? "" : `${cause.hint}; `;
    return new AgentError(cause.code, told, {
      cause,
      hint: `${advice}undone: ${made.length} containers and what they shared (--keep-failed leaves them)`,
    });
  }
}

function refuseTaken(declared: readonly DeclaredContainer[]): void {
  const other = declared.find(({ plan }) => plan.do === "recreate");
  const whole = declared.every(({ plan }) => plan.do === "keep" || plan.do === "start");
  const name = declared.find(({ group }) => group !== undefined)?.group?.name ?? "";
  if (other === undefined && !whole) return;
  throw new AgentError(
    "GROUP_TAKEN",
    other === undefined
      ? `the group "${name}" is there already`
      : `container "${other.name}" of another request is there`,
    { hint: `remove it ("zonelet rm -f ${name}"); "zonelet apply" brings containers to what a file declares` },
  );
}
