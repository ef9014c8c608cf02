// zoneadmd's side of `zlogin -I` (dockerinit.md 6.5): three sockets per zone, one client at a time, live data only.
//   server_ctl  `IDENT <locale> <flags>` -> `OK` or the pid of who is there; then TIOCSWINSZ and SETFLAGS
//   server_out  stdin one way, stdout (or the terminal) the other     server_err  stderr
// A slow client loses output, the log does not. Our IDENT carries the client's pid as a third word: node cannot ask the
// socket for its peer.
import { mkdirSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Lab } from "../lab.ts";
import type { OutputStream } from "./streams.ts";

/** Bits of the flags digit. */
export const FLAG_DISCONNECT = 1;
export const FLAG_EOF = 2;

/** Output waiting for a client beyond this is dropped. */
const MAX_BACKLOG_BYTES = 64 * 1024;

export interface AttachTarget {
  /** Input for the container; without `docker:open_stdin` it is dropped. */
  readonly write: (chunk: Buffer) => void;
  /** The client has gone, or closed its input, with the EOF flag set. */
  readonly hangUp: () => void;
  readonly resize: (rows: number, columns: number) => Promise<void>;
}

type SocketName = "server_ctl" | "server_out" | "server_err";

/** Names are relative to this directory, which becomes the working directory: socket addresses have 108 characters. */
export function attachDirectory(lab: Lab): string {
  return lab.path("/var/run/zones");
}

export function attachAddress(uuid: string, name: SocketName): string {
  return `${uuid}.${name}`;
}

interface Client {
  readonly pid: string;
  readonly control: Socket;
  flags: number;
  out?: Socket;
  err?: Socket;
}

export class AttachServer {
  readonly #target: AttachTarget;
  readonly #servers: Server[] = [];
  readonly #paths: string[] = [];
  #client: Client | undefined;

  private constructor(target: AttachTarget) {
    this.#target = target;
  }

  /** Changes the working directory of this process. */
  static async listen(lab: Lab, uuid: string, target: AttachTarget): Promise<AttachServer> {
    const server = new AttachServer(target);
    mkdirSync(attachDirectory(lab), { recursive: true, mode: 0o700 });
    process.chdir(attachDirectory(lab));
    const handlers: Readonly<Record<SocketName, (socket: Socket) => void>> = {
      server_ctl: (socket) => server.#onControl(socket),
      server_out: (socket) => server.#onOut(socket),
      server_err: (socket) => server.#onErr(socket),
    };
    for (const [name, handler] of Object.entries(handlers)) {
      const address = attachAddress(uuid, name as SocketName);
      rmSync(address, { force: true });
      server.#paths.push(join(attachDirectory(lab), address));
      await server.#open(address, handler);
    }
    return server;
  }

  output(stream: OutputStream, chunk: Buffer): void {
    const socket = stream === "stdout" ? this.#client?.out : this.#client?.err;
    if (socket && socket.writableLength < MAX_BACKLOG_BYTES) socket.write(chunk);
  }

  /** The zone has ended. What was written before still reaches the client. */
  close(): void {
    const client = this.#client;
    this.#client = undefined;
    for (const socket of [client?.out, client?.err, client?.control]) socket?.end();
    for (const server of this.#servers) server.close();
    for (const path of this.#paths) rmSync(path, { force: true });
  }

  #open(address: string, handler: (socket: Socket) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true }, (socket) => {
        socket.on("error", () => socket.destroy());
        handler(socket);
      });
      this.#servers.push(server);
      server.once("error", reject);
      server.listen(address, resolve);
    });
  }

  #onControl(socket: Socket): void {
    const lines = createInterface({ input: socket });
    lines.on("line", (line) => {
      const [word, ...rest] = line.split(" ");
      if (word === "IDENT") this.#identify(socket, rest);
      else if (this.#client?.control === socket) void this.#command(this.#client, word, rest);
      else socket.end("FAIL\n");
    });
    socket.on("close", () => {
      if (this.#client?.control === socket) this.#leave(this.#client);
    });
    socket.on("end", () => socket.end());
  }

  #identify(socket: Socket, [, flags, pid]: readonly string[]): void {
    if (this.#client) {
      socket.end(`${this.#client.pid}\n`);
      return;
    }
    this.#client = { pid: pid ?? "0", control: socket, flags: Number(flags) };
    socket.write("OK\n");
  }

  async #command(client: Client, word: string | undefined, rest: readonly string[]): Promise<void> {
    const numbers = rest.map(Number);
    const [first, second] = numbers;
    const valid = first !== undefined && numbers.every(Number.isSafeInteger);
    if (word === "TIOCSWINSZ" && valid && second !== undefined) await this.#target.resize(first, second);
    else if (word === "SETFLAGS" && valid) client.flags = first;
    else {
      client.control.write("FAIL\n");
      return;
    }
    client.control.write("OK\n");
  }

  #onOut(socket: Socket): void {
    const client = this.#client;
    if (!client || client.out) {
      socket.destroy();
      return;
    }
    client.out = socket;
    socket.on("data", (chunk: Buffer) => this.#target.write(chunk));
    socket.on("end", () => {
      if (this.#client === client && (client.flags & FLAG_EOF) !== 0) this.#target.hangUp();
    });
    socket.on("close", () => this.#leave(client));
  }

  #onErr(socket: Socket): void {
    if (!this.#client || this.#client.err) {
      socket.destroy();
      return;
    }
    this.#client.err = socket;
    socket.resume();
  }

  /** The place is free for the next client. */
  #leave(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    if ((client.flags & FLAG_EOF) !== 0) this.#target.hangUp();
    for (const socket of [client.out, client.err, client.control]) socket?.destroy();
  }
}
