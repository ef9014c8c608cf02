// What is typed or piped to us, on its way to a container.
import type { VmObject } from "../vmadm/schema.ts";
import { attachInput, hasTerminal, type AttachedInput } from "../zones/attach.ts";
import type { CliContext } from "./context.ts";
import { detachFilter } from "./detach-keys.ts";

export interface TypedInput {
  /** Gives the terminal back and leaves the container. Repeating it does nothing. */
  stop(): void;
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
    attached = await attachInput(context.agent().host, vm, input.size());
    await attached.connected;
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
