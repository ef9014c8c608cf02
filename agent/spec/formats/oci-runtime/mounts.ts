// Mounts of an OCI runtime configuration (container-specs.md 7).
import type { NeutralMount } from "../../neutral.ts";
import type { SpecPath } from "../../problem.ts";
import type { Report } from "../format.ts";
import { readTmpfsOptions } from "../tmpfs.ts";
import type { OciMount } from "./config.ts";

/** The brand supplies these itself. */
const SUPPLIED = new Set(["proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2", "devtmpfs"]);
const SUPPLIED_TMPFS = new Set(["/dev", "/dev/shm"]);
const SPREADING = new Set(["shared", "rshared", "slave", "rslave"]);

/** Undefined for what a zone has anyway; refused is what it cannot have. */
export function readMount(mount: OciMount, path: SpecPath, report: Report): NeutralMount | undefined {
  const { destination: target, type = "none", source = null, options } = mount;
  const readOnly = options.includes("ro");
  if (type === "bind" || options.includes("bind") || options.includes("rbind")) {
    if (options.some((option) => SPREADING.has(option)))
      report.warn([...path, "options"], "mounts do not spread between a zone and its host");
    if (source === null) report.complain(path, "a bind mount needs a source");
    else if (!source.startsWith("/"))
      report.refuse([...path, "source"], "must be an absolute path: there is no bundle it could be relative to");
    return { type: "bind", source, target, readOnly };
  }
  if (SUPPLIED.has(type)) return undefined;
  if (type === "tmpfs") {
    if (SUPPLIED_TMPFS.has(target.replace(/(?<=.)\/+$/, ""))) return undefined;
    return { type: "tmpfs", source: null, target, ...readTmpfsOptions(options, [...path, "options"], report) };
  }
  if (type === "nfs" || type === "nfs4") {
    if (source === null) report.complain(path, "an nfs mount needs a source, such as server:/path");
    return { type: "nfs", source, target, readOnly };
  }
  report.refuse([...path, "type"], `${JSON.stringify(type)} is not supported; use bind, tmpfs or nfs`);
  return undefined;
}
