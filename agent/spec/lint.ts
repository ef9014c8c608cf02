// What is needless or risky in a raw vmadm manifest that vmadm itself takes without a word.
import { suggest } from "../util/suggest.ts";
import type { SpecPath, SpecWarning } from "./problem.ts";
import type { RawManifest } from "./raw-manifest.ts";
import { fullPath, type SpecSource } from "./source.ts";

/** Keys dockerinit, vmadm or a container API reads (dockerinit.md 2). */
const DOCKER_KEYS = (
  "id cmd entrypoint env linkEnv linkHosts user workdir tty open_stdin attach_stdin attach_stdout attach_stderr imageid " +
  "imagename noipmgmtd restartpolicy restartcount restartdelay logdriver logconfig dnssearch extraHosts nfsvolumes " +
  "hostvolumes hostsFile hostnameFile resolvConfFile wait_for_attach tcp_unpublished_ports udp_unpublished_ports " +
  "tcp_all_ports udp_all_ports publish_all_ports volumesfrom"
)
  .split(" ")
  .map((key) => `docker:${key}`);
const BOOLEAN_KEYS = ["tty", "open_stdin", "attach_stdin", "attach_stdout", "attach_stderr"].map(
  (key) => `docker:${key}`,
);
const DEFAULT_MEMORY_MIB = 256;
const NUMBERS = [
  "ram",
  "max_physical_memory",
  "max_locked_memory",
  "max_swap",
  "max_shm_memory",
  "max_lwps",
  "max_msg_ids",
  "max_sem_ids",
  "max_shm_ids",
  "tmpfs",
  "cpu_cap",
  "cpu_shares",
  "zfs_io_priority",
  "quota",
  "zlog_max_size",
];
const BOOLEANS = [
  "docker",
  "autoboot",
  "maintain_resolvers",
  "firewall_enabled",
  "archive_on_delete",
  "indestructible_zoneroot",
];

type Warn = (path: SpecPath, message: string, hint?: string) => void;

/** Warnings in the order of their places in the document. */
export function lintRawManifest(manifest: RawManifest, source: SpecSource): SpecWarning[] {
  const found: { readonly warning: SpecWarning; readonly line: number; readonly column: number }[] = [];
  const warn: Warn = (path, message, hint) => {
    const place = source.locate(path, "key");
    found.push({
      warning: {
        path: fullPath(source, path),
        message,
        ...(hint === undefined ? {} : { hint }),
        where: place.where,
      },
      line: place.line ?? 0,
      column: place.column ?? 0,
    });
  };
  lintForms(source, warn);
  lintMemory(manifest, warn);
  lintIgnored(manifest, warn);
  lintNics(manifest, warn);
  if (manifest.docker === true) lintMetadata(manifest, warn);
  else
    warn(
      ["docker"],
      "without docker: true the zone boots its own init: no command, no exit status, no log",
      "set docker: true",
    );
  return found.sort((a, b) => a.line - b.line || a.column - b.column).map(({ warning }) => warning);
}

function lintForms(source: SpecSource, warn: Warn): void {
  const { value } = source;
  if (typeof value !== "object" || value === null) return;
  for (const [key, given] of Object.entries(value)) {
    if (BOOLEANS.includes(key) && typeof given !== "boolean")
      warn([key], `is ${JSON.stringify(given)}, which vmadm converts`, "write true or false without quotes");
    if (NUMBERS.includes(key) && typeof given === "string")
      warn([key], `is text, which vmadm converts`, "write the number without quotes");
  }
}

function lintMemory(manifest: RawManifest, warn: Warn): void {
  const { max_physical_memory: given, ram, max_swap: swap, tmpfs, max_locked_memory: locked } = manifest;
  const memory = given ?? ram ?? DEFAULT_MEMORY_MIB;
  if (given === undefined && ram === undefined)
    warn([], `no max_physical_memory: vmadm gives the zone ${DEFAULT_MEMORY_MIB} MiB`);
  if (ram !== undefined && given === undefined) warn(["ram"], "is for virtual machines", "write max_physical_memory");
  if (swap !== undefined && swap > 4 * memory)
    warn(
      ["max_swap"],
      `lets the zone fill ${swap - memory} MiB of the node's swap beside ${memory} MiB of memory`,
      `${2 * memory} is usual`,
    );
  if (swap !== undefined && swap < memory) warn(["max_swap"], `is less than the memory: vmadm raises it to ${memory}`);
  if (tmpfs !== undefined && tmpfs > memory)
    warn(
      ["tmpfs"],
      `is more than the memory: vmadm lowers it to ${memory}`,
      "leave it out or write 0 for a plain directory",
    );
  if (locked !== undefined && locked > memory)
    warn(["max_locked_memory"], `is more than the memory: vmadm lowers it to ${memory}`);
  if (manifest.cpu_shares !== undefined && manifest.cpu_shares > 65535)
    warn(["cpu_shares"], "is more than vmadm's maximum: it lowers it to 65535");
  if (manifest.quota === 0) warn(["quota"], "0 lets the container fill the pool");
}

function lintIgnored(manifest: RawManifest, warn: Warn): void {
  if (manifest.autoboot === true)
    warn(["autoboot"], "is left to the agent, which starts the zone as a step of its own", "leave it out");
  if (manifest.maintain_resolvers !== undefined)
    warn(["maintain_resolvers"], "has no effect on lx zones", "leave it out");
  if (manifest.nowait !== undefined)
    warn(["nowait"], "has no effect: the agent starts the zone itself", "leave it out");
  if (manifest.dataset_uuid !== undefined) warn(["dataset_uuid"], "is an old name", "write image_uuid");
  if (manifest.kernel_version === undefined) warn([], "no kernel_version: the image's or the node's is used");
  for (const key of ["init_name", "restart_init", "internal_metadata_namespaces"] as const)
    if (manifest[key] !== undefined && manifest.docker === true)
      warn([key], "is implied by docker: true", "leave it out");
}

function lintNics(manifest: RawManifest, warn: Warn): void {
  (manifest.nics ?? []).forEach((nic, i) => {
    if (nic.interface !== undefined)
      warn(["nics", i, "interface"], `is ignored: the zone sees this nic as eth${i}`, "leave it out");
    if (nic.model !== undefined) warn(["nics", i, "model"], "is for virtual machines and ignored", "leave it out");
    if (manifest.docker === true && nic.ips.includes("dhcp"))
      warn(["nics", i], "the container init does not speak DHCP: the nic gets no address", "give it a static address");
  });
  if ((manifest.nics ?? []).length > 1 && !(manifest.nics ?? []).some((nic) => nic.primary === true))
    warn(["nics"], "no nic is primary: vmadm takes the first");
}

function lintMetadata(manifest: RawManifest, warn: Warn): void {
  for (const [key, value] of Object.entries(manifest.internal_metadata ?? {})) {
    const path = ["internal_metadata", key];
    if (key.startsWith("docker:") && !DOCKER_KEYS.includes(key)) {
      const near = suggest(key, DOCKER_KEYS);
      warn(path, `nobody reads this key${near === undefined ? "" : ` (did you mean "${near}"?)`}`);
    }
    if (BOOLEAN_KEYS.includes(key) && value !== true)
      warn(
        path,
        `is ${JSON.stringify(value)}; only true means yes, and vmadm takes any text for a terminal`,
        "write true, or leave it out",
      );
    if (key === "docker:restartpolicy" && !/^(always|on-failure(:\d+)?)$/.test(String(value)))
      warn(
        path,
        `${JSON.stringify(value)} is no policy: the container is not restarted`,
        "leave it out, or write always, on-failure or on-failure:N",
      );
    if (typeof value !== "string") continue;
    if (key.startsWith("docker:") && /\\u[0-9a-fA-F]{4}/.test(value))
      warn(
        path,
        "has \\u escapes, whose digits the container init reads as decimal",
        "write the characters themselves",
      );
    const placeholder = /<[A-Za-z][^<>"]* [^<>"]*>/.exec(value);
    if (placeholder) warn(path, `${placeholder[0]} looks like a placeholder`, "put your own value here");
  }
}
