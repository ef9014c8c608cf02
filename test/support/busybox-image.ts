// An image of a static busybox with the programs containers of the tests talk with, su(1) among them or not.
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { buffer } from "node:stream/consumers";
import { pack, type Pack } from "tar-stream";

const APPLETS = [
  "ash", "cat", "chmod", "cut", "date", "dd", "echo", "env", "false", "grep", "hostname", "id", "kill", "ln", "ls", "md5sum", "mkdir",
  "mv", "printf", "ps", "pwd", "readlink", "rm", "seq", "sh", "sha256sum", "sleep", "sort", "stat", "stty", "tail", "tar", "test",
  "touch", "tr", "true", "tty", "wc", "yes",
]; // prettier-ignore

const EPOCH = new Date(1_500_000_000_000);
const hex = (bytes: Buffer | string): string => createHash("sha256").update(bytes).digest("hex");

/** Writes what `docker save` would, with one image of the name or names `reference`, to `file`. */
export async function writeBusyboxImage(
  file: string,
  reference: string | readonly string[],
  options: {
    readonly su?: boolean;
    readonly config?: object;
    /** Paths of programs that print their name and arguments and then do nothing until they are ended. */
    readonly standIns?: readonly string[];
  } = {},
): Promise<void> {
  const busybox = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path)) ?? "/bin/busybox";
  const layer = await tar((into) => {
    for (const name of ["bin", "etc", "root", "home", "home/node", "srv", "var", "tmp"])
      into.entry({ name, type: "directory", mode: name === "tmp" ? 0o1777 : 0o755, mtime: EPOCH });
    into.entry({ name: "bin/busybox", mode: 0o4755, mtime: EPOCH }, readFileSync(busybox));
    for (const name of [...APPLETS, ...(options.su === true ? ["su"] : [])])
      into.entry({ name: `bin/${name}`, type: "symlink", linkname: "busybox", mtime: EPOCH });
    text(into, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n");
    text(into, "etc/group", "root:x:0:\nnode:x:1000:\n");
    for (const directory of new Set((options.standIns ?? []).map((path) => dirname(path).slice(1))))
      if (!["bin", "root"].includes(directory))
        into.entry({ name: directory, type: "directory", mode: 0o755, mtime: EPOCH });
    for (const path of options.standIns ?? [])
      into.entry({ name: path.slice(1), mode: 0o755, mtime: EPOCH }, '#!/bin/sh\necho "$0 $*"\nexec sleep 3600\n');
  });
  const config = JSON.stringify({
    os: "linux",
    architecture: "amd64",
    config: { Env: ["PATH=/bin"], Cmd: ["sh"], ...options.config },
    rootfs: { type: "layers", diff_ids: [`sha256:${hex(layer)}`] },
  });
  const archive = await tar((into) => {
    text(into, `${hex(config)}.json`, config);
    into.entry({ name: "0/layer.tar", mtime: EPOCH }, layer);
    const manifest = [{ Config: `${hex(config)}.json`, RepoTags: [reference].flat(), Layers: ["0/layer.tar"] }];
    text(into, "manifest.json", JSON.stringify(manifest));
  });
  writeFileSync(file, archive);
}

function text(into: Pack, name: string, content: string): void {
  into.entry({ name, mtime: EPOCH }, content);
}

async function tar(fill: (into: Pack) => void): Promise<Buffer> {
  const into = pack();
  fill(into);
  into.finalize();
  return buffer(into);
}
