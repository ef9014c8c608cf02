// A small image from this machine's own programs and the libraries they need: nothing is downloaded.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createWriteStream, existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { gzipSync } from "node:zlib";
import { pack, type Pack } from "tar-stream";

/** Programs a first look around needs; those this machine lacks are left out. */
const PROGRAMS = [
  "sh",
  "ls",
  "cat",
  "echo",
  "env",
  "id",
  "uname",
  "hostname",
  "sleep",
  "date",
  "ps",
  "wc",
  "head",
  "seq",
  "false",
  "true",
  "mkdir",
  "rm",
  "mv",
  "chmod",
];

interface Blob {
  readonly digest: string;
  readonly data: Buffer;
}

/** Writes an OCI layout archive with one image named `reference` to `file`; returns the programs it holds. */
export async function buildDemoImage(file: string, reference: string): Promise<string[]> {
  const programs = PROGRAMS.flatMap((name) => {
    const path = which(name);
    return path === undefined ? [] : [{ name, path }];
  });
  const tree = await layer((tar) => {
    const libraries = new Set(programs.flatMap(({ path }) => libraryPaths(path)));
    for (const directory of ["bin", "etc", "tmp", "var", "var/log", ...parents(libraries)])
      tar.entry({ name: directory, type: "directory", mode: directory === "tmp" ? 0o1777 : 0o755, mtime: EPOCH });
    for (const { name, path } of programs) addFile(tar, `bin/${name}`, path);
    for (const library of libraries) addFile(tar, library.slice(1), library);
    addText(tar, "etc/passwd", "root:x:0:0:root:/:/bin/sh\nguest:x:1000:1000:guest:/tmp:/bin/sh\n");
    addText(tar, "etc/group", "root:x:0:\nguest:x:1000:\n");
  });
  const greeting = await layer((tar) => {
    tar.entry({ name: "srv", type: "directory", mode: 0o755, mtime: EPOCH });
    addText(tar, "srv/greeting", "hello from a zone made of this machine's own programs\n");
  });
  const config = blob(
    JSON.stringify({
      architecture: "amd64",
      os: "linux",
      created: EPOCH.toISOString(),
      config: { Env: ["PATH=/bin", "DEMO=1"], Cmd: ["/bin/cat", "/srv/greeting"], WorkingDir: "/srv" },
      rootfs: { type: "layers", diff_ids: [tree.diffId, greeting.diffId] },
      history: [{ created_by: "programs and libraries" }, { created_by: "greeting" }],
    }),
  );
  const layers = [tree, greeting];
  const manifest = blob(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: {
        mediaType: "application/vnd.oci.image.config.v1+json",
        digest: config.digest,
        size: config.data.length,
      },
      layers: layers.map(({ blob: b }) => ({
        mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
        digest: b.digest,
        size: b.data.length,
      })),
    }),
  );
  const index = JSON.stringify({
    schemaVersion: 2,
    manifests: [
      {
        mediaType: "application/vnd.oci.image.manifest.v1+json",
        digest: manifest.digest,
        size: manifest.data.length,
        platform: { os: "linux", architecture: "amd64" },
        annotations: { "org.opencontainers.image.ref.name": reference },
      },
    ],
  });
  const archive = pack();
  addText(archive, "oci-layout", JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  addText(archive, "index.json", index);
  for (const b of [manifest, config, ...layers.map((l) => l.blob)])
    archive.entry({ name: `blobs/sha256/${b.digest.slice(7)}`, mode: 0o644 }, b.data);
  archive.finalize();
  await pipeline(archive, createWriteStream(file));
  return programs.map(({ name }) => name);
}

const EPOCH = new Date("2026-01-01T00:00:00Z");

async function layer(fill: (tar: Pack) => void): Promise<{ readonly blob: Blob; readonly diffId: string }> {
  const tar = pack();
  fill(tar);
  tar.finalize();
  const data = await buffer(tar);
  return { blob: blob(gzipSync(data)), diffId: sha256(data) };
}

function addFile(tar: Pack, name: string, path: string): void {
  const data = readFileSync(realpathSync(path));
  tar.entry({ name, mode: statSync(path).mode & 0o755, mtime: EPOCH }, data);
}

function addText(tar: Pack, name: string, content: string): void {
  tar.entry({ name, mode: 0o644, mtime: EPOCH }, content);
}

function blob(content: string | Buffer): Blob {
  const data = Buffer.from(content);
  return { digest: sha256(data), data };
}

function sha256(data: Buffer): string {
  return `sha256:${createHash("sha256").update(data).digest("hex")}`;
}

function which(name: string): string | undefined {
  return (process.env["PATH"] ?? "/usr/bin:/bin")
    .split(delimiter)
    .map((directory) => join(directory, name))
    .find((path) => existsSync(path));
}

/** What the dynamic linker would load, itself included; nothing for a static program. */
function libraryPaths(program: string): string[] {
  let listing: string;
  try {
    listing = execFileSync("ldd", [program], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return [];
  }
  return [...listing.matchAll(/(?:=> )?(\/\S+) \(0x/g)]
    .map((match) => match[1] ?? "")
    .filter((path) => existsSync(path));
}

function parents(paths: Iterable<string>): string[] {
  const found = new Set<string>();
  for (const path of paths) for (let d = dirname(path).slice(1); d !== "" && d !== "."; d = dirname(d)) found.add(d);
  return [...found].sort();
}
