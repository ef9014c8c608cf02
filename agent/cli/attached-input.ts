// What is typed or piped to us, on its way to a container.
import { setTimeout as sleep } from "node:timers/promises";
import { hasCode } from "../errors/agent-error.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { attachInput, hasTerminal, type AttachedInput } from "../zones/attach.ts";
import type { CliContext } from "./context.ts";
import { detachFilter } from "./detach-keys.ts";

export interface TypedInput {
  /** Gives the terminal back and leaves the container. Repeating it does nothing. */
  stop(): void;
}

/** Whoever left a moment ago may still be on its way out of the platform's one place. */
const LEAVING_MS = 1_500;

async function connect(context: CliContext, vm: VmObject): Promise<AttachedInput> {
  const deadline = performance.now() + LEAVING_MS;
  for (;;) {
    const attached = await attachInput(context.agent().host, vm, context.input.size());
    try {
      await attached.connected;
      return attached;
    } catch (error) {
      if (!hasCode(error, "STDIN_TAKEN") || performance.now() > deadline) throw error;
    }
    await sleep(100);
  }
}

/**
 * Hands our stdin to the container, whose zone must be up. `detach` is called when the keys for it were typed, which only
 * a terminal has. Raises STDIN_TAKEN when somebody else holds the container's input; nothing is left running then.
 */
export async function typeInto(
  context: CliContext,
  vm: VmObject,
  keys: readonly number[],
  detach: () => void,
): Promise<TypedInput> {
  const { input } = context;
  const terminal = hasTerminal(vm) && input.isTerminal;
  // At once: whoever sees a prompt types, and those keys are the container's already.
  const giveBack = terminal ? input.raw() : () => undefined;
  let attached: AttachedInput;
  try {
    attached = await connect(context, vm);
  } catch (error) {
    giveBack();
    throw error;
  }
  const stopResizing = input.onResize(() => attached.resize(input.size()));
  const filter = detachFilter(terminal ? keys : []);
  let stopped = false;
  const pump = async (): Promise<void> => {
    for await (const chunk of input.stream) {
      if (stopped) return;
      if (!Buffer.isBuffer(chunk)) continue;
      const { pass, detach: left } = filter(chunk);
      if (pass.length > 0) await attached.write(pass);
      if (left) {
        detach();
        return;
      }
    }
    if (!stopped) await attached.end();
  };
  // A stdin that breaks has ended.
  void pump().catch(() => attached.end());
  return {
    stop: () => {
      if (stopped) return;
      stopped = true;
      stopResizing();
      giveBack();
      input.stream.pause();
      attached.leave();
    },
  };
}
