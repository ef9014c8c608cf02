// Zones without vmadm and images: a busybox root and a configuration, for tests of the runtime alone.
import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { randomUUID } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLab, type Lab } from "../../agent/labhost/lab.ts";
import { zoneRuntime } from "../../agent/labhost/runtime.ts";
import { addZoneConfig, writeConfigFile } from "../../agent/labhost/zone-store.ts";
import { eventually } from "./eventually.ts";

export const MAIN = join(import.meta.dirname, "../../agent/labhost/main.ts");
const APPLETS = [
  "sh",
  "sleep",
  "cat",
  "echo",
  "id",
  "env",
  "ls",
  "kill",
  "ping",
  "dd",
  "tail",
  "true",
  "pwd",
  "stat",
  "yes",
];
const BUSYBOX = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path)) ?? "/bin/busybox";

export interface ZoneOptions {
  readonly cmd?: readonly string[];
  readonly metadata?: Readonly<Record<string, string | number | boolean>>;
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly address?: string;
  readonly filesystems?: readonly { source: string; target: string; type: string; options?: string[] }[];
}

export class RuntimeLab {
  readonly work = mkdtempSync(join(tmpdir(), "zl-r-"));
  readonly lab: Lab;

  constructor() {
    const env = { ...process.env, LABHOST_ROOT: join(this.work, "lab") };
    execFileSync(process.execPath, [MAIN, "init"], { env, stdio: "ignore" });
    this.lab = openLab(env);
  }

  async addZone({ cmd, metadata = {}, properties = {}, address, filesystems = [] }: ZoneOptions): Promise<string> {
    const uuid = randomUUID();
    const zonepath = `/zones/${uuid}`;
    makeRoot(join(this.lab.path(zonepath), "root"));
    const nic = (ip: string) => ({
      interface: "eth0",
      mac: `02:00:00:00:00:${ip.split(".")[3]?.padStart(2, "0") ?? "00"}`,
      nic_tag: "admin",
      ips: [`${ip}/24`],
      primary: true,
    });
    await addZoneConfig(this.lab, {
      uuid,
      zonepath,
      installState: "installed",
      properties: {
        brand: "lx",
        docker: true,
        autoboot: false,
        hostname: "web",
        zlog_mode: "g--",
        internal_metadata_namespaces: ["docker"],
        ...properties,
      },
      nics: address === undefined ? [] : [nic(address)],
      filesystems,
      datasets: [],
    });
    await writeConfigFile(this.lab, { zonepath }, "metadata.json", {
      internal_metadata: { ...(cmd && { "docker:cmd": JSON.stringify(cmd) }), ...metadata },
      customer_metadata: {},
    });
    return uuid;
  }

  path(uuid: string, ...parts: string[]): string {
    return join(this.lab.path(`/zones/${uuid}`), ...parts);
  }

  read(uuid: string, ...parts: string[]): string {
    const file = this.path(uuid, ...parts);
    return existsSync(file) ? readFileSync(file, "utf8") : "";
  }

  /** Complete lines only: the last one may be in the middle of being written. */
  records(uuid: string): { stream: string; msg: string }[] {
    return this.read(uuid, "logs/stdio.log")
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line) as { stream: string; msg: string });
  }

  /** All a stream has said so far. */
  output(uuid: string, stream: "stdout" | "stderr"): string {
    return this.records(uuid)
      .filter((record) => record.stream === stream)
      .map(({ msg }) => msg)
      .join("");
  }

  /** Waits for the `close` record: everything is in the log then. */
  async ended(uuid: string): Promise<void> {
    await eventually(() => zoneRuntime(this.lab, uuid).zoneState === "installed" && !existsSync(this.stateFile(uuid)), {
      within: 10_000,
      what: `zone ${uuid} down`,
    });
  }

  stateFile(uuid: string): string {
    return this.lab.own("runtime/zones", `${uuid}.json`);
  }

  /** wait(2) status of the last run. */
  status(uuid: string): number {
    return Number(this.read(uuid, "lastexited").trim().split(" ")[1]);
  }

  destroy(): void {
    execFileSync(process.execPath, [MAIN, "destroy", "--yes"], {
      env: { ...process.env, LABHOST_ROOT: this.lab.root },
      stdio: "ignore",
    });
    rmSync(this.work, { recursive: true, force: true });
  }
}

function makeRoot(root: string): void {
  for (const directory of ["bin", "etc", "tmp", "var/svc", "home/node"])
    mkdirSync(join(root, directory), { recursive: true });
  copyFileSync(BUSYBOX, join(root, "bin/busybox"));
  for (const applet of APPLETS) symlinkSync("busybox", join(root, "bin", applet));
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\nnode:x:1000:\naudio:x:63:node\n");
  writeFileSync(join(root, "var/svc/provisioning"), "");
  writeFileSync(join(root, "etc/noexec"), "#!/bin/sh\n", { mode: 0o644 });
  writeFileSync(join(root, "bin/no-format"), "hello", { mode: 0o755 });
}
