// The image store over a lab host of its own, for tests that only deal with images.
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { createCommandRunner } from "../../agent/exec/run.ts";
import { createHost, type Host } from "../../agent/host/host.ts";
import { createImgadmCli } from "../../agent/imgadm/cli.ts";
import type { Imgadm } from "../../agent/imgadm/client.ts";
import { createImages } from "../../agent/imgadm/image-store.ts";
import type { ImageRecord, Images } from "../../agent/imgadm/images.ts";
import { createLogger } from "../../agent/log/logger.ts";

const LAB = join(import.meta.dirname, "../../agent/labhost/main.ts");

export interface ImgadmCall {
  readonly event: "begin" | "end";
  readonly command: string;
  readonly args: readonly string[];
  readonly exit: number | null;
}

export class ImageLab {
  readonly work: string;
  readonly root: string;
  readonly host: Host;
  readonly imgadm: Imgadm;
  readonly images: Images;

  private constructor(work: string) {
    this.work = work;
    this.root = join(work, "lab");
    const log = createLogger({ level: "silent", destination: process.stderr });
    const binDirs = [join(this.root, "bin")];
    const runner = createCommandRunner({
      env: {
        PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
        LABHOST_ROOT: this.root,
        NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? "",
      },
    });
    this.host = createHost({ root: this.root, binDirs, runner });
    this.imgadm = createImgadmCli(this.host, log, { pool: "zones" });
    this.images = createImages({
      host: this.host,
      imgadm: this.imgadm,
      log,
      config: {
        host: { root: this.root, binDirs, pool: "zones", lab: true },
        registries: { insecure: [], concurrency: 3, hosts: {}, proxy: {} },
        images: { keepBlobs: "loaded" },
        proxies: {},
      },
      retry: { attempts: 3, baseMs: 5, maxMs: 50 },
    });
  }

  static async create(): Promise<ImageLab> {
    const lab = new ImageLab(await mkdtemp(join(tmpdir(), "zl-")));
    await lab.#lab("init");
    return lab;
  }

  async destroy(): Promise<void> {
    await this.#lab("destroy", "--yes");
    rmSync(this.work, { recursive: true, force: true });
  }

  /** The tree of an installed image. */
  tree(record: Pick<ImageRecord, "imageUuid">): string {
    return join(this.root, "zones", record.imageUuid, "root");
  }

  /** imgadm calls of one subcommand that have ended so far. */
  calls(subcommand: string): readonly ImgadmCall[] {
    const file = join(this.root, "lab/calls.ndjson");
    if (!existsSync(file)) return [];
    return readFileSync(file, "utf8")
      .split("\n")
      .filter(Boolean)
      .map((line) => JSON.parse(line) as ImgadmCall)
      .filter(({ event, command, args }) => event === "end" && command === "imgadm" && args.includes(subcommand));
  }

  /** Datasets of images, finished or not, as they lie in the pool. */
  datasets(): readonly string[] {
    return readdirSync(join(this.root, "zones")).filter((name) => /^[0-9a-f]{8}-/.test(name));
  }

  /** What is left of layers under way. */
  scratch(): readonly string[] {
    return existsSync(this.host.paths.scratch) ? readdirSync(this.host.paths.scratch) : [];
  }

  async #lab(...args: readonly string[]): Promise<void> {
    await promisify(execFile)(process.execPath, ["--disable-warning=ExperimentalWarning", LAB, ...args], {
      env: {
        PATH: process.env["PATH"] ?? "/usr/bin:/bin",
        LABHOST_ROOT: this.root,
        NODE_COMPILE_CACHE: process.env["NODE_COMPILE_CACHE"] ?? "",
      },
    });
  }
}
