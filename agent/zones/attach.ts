// Input for a container's first process, over `zlogin -I` (dockerinit.md 6.5).
//
// Output never comes this way: the platform has one place for a client and drops what a slow one does not take, while the
// log has everything for any number of readers. So whoever attaches reads the log, and one of them may type.
//
// zlogin runs with -N: our end, however it comes, is not the end of the container's input. Where it shall be (the caller's
// stdin has ended), SIGUSR1 says so first. Escapes of zlogin's own are off (-E): every byte is the container's.
import { setTimeout as sleep } from "node:timers/promises";
import { AgentError } from "../errors/agent-error.ts";
import type { TerminalSize } from "../exec/terminal.ts";
import type { Host } from "../host/host.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { containerName } from "./find.ts";

export interface AttachedInput {
  /** Resolves when the platform has taken us in. Rejects with STDIN_TAKEN, naming the holder, when somebody else is there. */
  readonly connected: Promise<void>;
  write(bytes: Buffer): Promise<void>;
  /** The container's process reads the end of its input. A terminal has no end: there it only leaves. */
  end(): Promise<void>;
  /** Leaves without the container noticing. Repeating it does nothing. */
  leave(): void;
  /** Size of the container's terminal. */
  resize(size: TerminalSize): void;
}

/** Between telling zlogin that our end is the input's end and ending (as cn-agent waits, dockerinit.md 9.3). */
const FLAG_MS = 50;

/** True where the container reads its input at all. */
export function readsInput(vm: VmObject): boolean {
  return vm.internal_metadata["docker:open_stdin"] === true;
}

/** True where the container has a terminal. */
export function hasTerminal(vm: VmObject): boolean {
  return vm.internal_metadata["docker:tty"] === true;
}

/**
 * Attaches to the container's input. With a terminal the container gets `size`; where node has no pseudo terminals the
 * container's terminal keeps the size it has.
 */
export async function attachInput(host: Host, vm: VmObject, size: TerminalSize): Promise<AttachedInput> {
  const args = ["-I", "-N", "-E", vm.zonename];
  const greeting = greetingOf(containerName(vm));
  const terminal = hasTerminal(vm)
    ? await host.openTerminal("zlogin", { args, size, onData: (text) => greeting.hear(text) })
    : undefined;
  if (terminal) {
    void terminal.ended.then(() => greeting.over());
    return {
      connected: greeting.connected,
      write: (bytes) => {
        terminal.write(bytes);
        return Promise.resolve();
      },
      end: () => {
        terminal.kill("SIGTERM");
        return Promise.resolve();
      },
      leave: () => terminal.kill("SIGTERM"),
      resize: (now) => terminal.resize(now),
    };
  }
  const session = host.open("zlogin", { args, stdin: "pipe" });
  // What the container writes is read in the log; here it must only not get stuck.
  session.stdout.on("data", (chunk: Buffer) => greeting.hear(chunk.toString("latin1")));
  session.stderr.on("data", (chunk: Buffer) => greeting.hear(chunk.toString("latin1")));
  session.ended.then(
    () => greeting.over(),
    (error: unknown) => greeting.over(error),
  );
  return {
    connected: greeting.connected,
    write: async (bytes) => {
      const { stdin } = session;
      if (stdin === undefined || stdin.destroyed || stdin.write(bytes)) return;
      await Promise.race([new Promise((resolve) => stdin.once("drain", resolve)), session.exited]);
    },
    end: async () => {
      session.kill("SIGUSR1");
      await sleep(FLAG_MS);
      session.stdin?.end();
    },
    leave: () => session.stop(),
    resize: () => undefined,
  };
}

interface Greeting {
  readonly connected: Promise<void>;
  hear(text: string): void;
  over(error?: unknown): void;
}

/** zlogin's words about connecting: without -Q it says when it has, and who is there instead. */
function greetingOf(name: string): Greeting {
  const { promise, resolve, reject } = Promise.withResolvers<undefined>();
  promise.catch(() => undefined);
  let heard = "";
  return {
    connected: promise,
    hear: (text) => {
      if (heard.length > 4096) return;
      heard += text;
      if (heard.includes("[Connected to zone")) resolve(undefined);
    },
    over: (error) => {
      const holder = /already in use by process ID (\d+)/.exec(heard)?.[1];
      reject(
        holder === undefined
          ? new AgentError("CONTAINER_NOT_RUNNING", `the input of "${name}" cannot be reached`, { cause: error })
          : new AgentError("STDIN_TAKEN", `the input of "${name}" is held by process ${holder}`, {
              hint: "its output can be shared, its input not",
              details: { pid: Number(holder) },
            }),
      );
    },
  };
}
