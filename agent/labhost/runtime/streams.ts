// The zone's standard streams. FIFOs instead of node's own pipes: those are sockets, which a program cannot open again
// under /dev/stdout, as web servers like to.
import { closeSync, constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { READ_SIZE } from "./stdio-record.ts";

export type OutputStream = "stdout" | "stderr";

export interface OutputReader {
  /** Resolves at end of file, which is when the last process holding the stream has ended. */
  readonly ended: Promise<void>;
  destroy(): void;
}

/** Reads at most 1024 bytes at a time; the next read waits for `onChunk`, which makes a slow log hold back the app. */
export function readOutput(fd: number, onChunk: (chunk: Buffer) => void): OutputReader {
  const buffer = Buffer.alloc(READ_SIZE);
  const socket = new Socket({
    fd,
    readable: true,
    writable: false,
    onread: {
      buffer,
      callback: (bytes: number, filled: Uint8Array) => {
        onChunk(Buffer.from(filled.subarray(0, bytes)));
        return true;
      },
    },
  });
  const ended = new Promise<void>((resolve) => {
    socket.on("error", () => undefined); // a terminal's master says EIO at its end
    socket.on("close", () => resolve());
    socket.on("end", () => socket.destroy());
  });
  socket.resume();
  return { ended, destroy: () => void socket.destroy() };
}

export interface StreamEnds {
  /** For the app; to be closed by us once it has them. */
  readonly app: readonly [stdin: number | "ignore", stdout: number, stderr: number];
  readonly stdout: number;
  readonly stderr: number;
  /** Undefined without `docker:open_stdin`. */
  readonly stdin: number | undefined;
  closeAppEnds(): void;
}

export const FIFO_NAMES = ["stdin", "stdout", "stderr"] as const;

/** Opens both ends of the FIFOs in `scratch`. */
export function openStreams(scratch: string, openStdin: boolean): StreamEnds {
  const read = constants.O_RDONLY | constants.O_NONBLOCK;
  const path = (name: (typeof FIFO_NAMES)[number]): string => join(scratch, name);
  const stdout = openSync(path("stdout"), read);
  const stderr = openSync(path("stderr"), read);
  // Read and write: an app without anybody attached waits for input, it does not see an end of file.
  const stdin = openStdin ? openSync(path("stdin"), constants.O_RDWR | constants.O_NONBLOCK) : undefined;
  const app = [
    openStdin ? openSync(path("stdin"), constants.O_RDONLY) : ("ignore" as const),
    openSync(path("stdout"), constants.O_WRONLY),
    openSync(path("stderr"), constants.O_WRONLY),
  ] as const;
  return {
    app,
    stdout,
    stderr,
    stdin,
    closeAppEnds: () => {
      for (const fd of app) if (fd !== "ignore") closeSync(fd);
    },
  };
}
