// `zlogin -I`: the container's own streams (dockerinit.md 6.5).
import { connect, type Socket } from "node:net";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { attachAddress, attachDirectory, FLAG_DISCONNECT, FLAG_EOF } from "../runtime/attach-server.ts";
import type { CommandContext } from "../command.ts";
import type { LabVm } from "../lab-vm.ts";
import { escapeFilter } from "./escape-filter.ts";

export interface AttachOptions {
  /** -Q: no words about connecting. */
  readonly quiet: boolean;
  /** False with -N: the container does not notice that we go. */
  readonly eofOnDisconnect: boolean;
  /** Undefined with -E. */
  readonly escape: string | undefined;
}

const TRIES = 30;
const RETRY_MS = 1000;

/** Resolves to 0 on a normal disconnect, whatever the container's exit code. */
export async function attach(context: CommandContext, vm: LabVm, options: AttachOptions): Promise<number> {
  const mode = vm["zlog_mode"];
  if (typeof mode !== "string") {
    context.err(`zlogin: 'zlog-mode' is not configured on the zone\n`);
    return 1;
  }
  process.chdir(attachDirectory(context.lab));
  const control = await connectPatiently(attachAddress(vm.uuid, "server_ctl"));
  if (!control) {
    context.err(`zlogin: Could not connect to zone ${vm.uuid}\n`);
    return 1;
  }
  let flags = FLAG_DISCONNECT | (options.eofOnDisconnect ? FLAG_EOF : 0);
  const holder = await ask(control, `IDENT C ${flags} ${process.pid}`);
  if (holder !== "OK") {
    context.err(`zlogin: Zone is already in use by process ID ${holder}.\n`);
    control.destroy();
    return 1;
  }
  const out = connect({ path: attachAddress(vm.uuid, "server_out"), allowHalfOpen: true });
  const err = connect(attachAddress(vm.uuid, "server_err"));
  process.on("SIGUSR1", () => {
    flags ^= FLAG_EOF;
    control.write(`SETFLAGS ${flags}\n`);
  });
  await Promise.all([once(out, "connect"), once(err, "connect")]);
  if (!options.quiet) context.out(`[Connected to zone '${vm.uuid}' stdio]\n`);
  await relay(control, out, err, { ...options, terminal: mode[1] === "t" });
  control.destroy();
  if (!options.quiet) context.out(`\n[Connection to zone '${vm.uuid}' stdio closed]\n`);
  return 0;
}

async function relay(
  control: Socket,
  out: Socket,
  err: Socket,
  { terminal, escape }: AttachOptions & { readonly terminal: boolean },
): Promise<void> {
  const raw = terminal && process.stdin.isTTY;
  if (raw) process.stdin.setRawMode(true);
  const tellSize = (): void => {
    if (process.stdout.isTTY) control.write(`TIOCSWINSZ ${process.stdout.rows} ${process.stdout.columns}\n`);
  };
  tellSize();
  process.stdout.on("resize", tellSize);
  out.pipe(process.stdout, { end: false });
  err.pipe(process.stderr, { end: false });
  const filter = escapeFilter(escape);
  process.stdin.on("data", (chunk: Buffer) => {
    const { pass, disconnect } = filter(chunk);
    if (pass.length > 0) out.write(pass);
    if (disconnect) out.destroy();
  });
  process.stdin.on("end", () => out.end());
  for (const socket of [out, err, control]) socket.on("error", () => socket.destroy());
  await new Promise<void>((resolve) => {
    out.once("end", resolve);
    out.once("close", resolve);
  });
  if (raw) process.stdin.setRawMode(false);
  process.stdin.destroy();
  out.destroy();
  if (!err.readableEnded) err.end();
}

async function connectPatiently(address: string): Promise<Socket | undefined> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    if (attempt > 0) await sleep(RETRY_MS);
    const socket = connect(address);
    try {
      await once(socket, "connect");
      return socket;
    } catch {
      socket.destroy();
    }
  }
  return undefined;
}

/** The first line of the answer. */
async function ask(socket: Socket, line: string): Promise<string> {
  socket.write(`${line}\n`);
  let answer = "";
  while (!answer.includes("\n")) {
    const [chunk] = (await once(socket, "data")) as [Buffer];
    answer += chunk.toString();
  }
  return answer.split("\n")[0] ?? "";
}
