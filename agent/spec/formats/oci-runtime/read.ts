// OCI runtime configurations: one container, whose root file system is a directory or, by annotation, an image
// (container-specs.md 7).
import type { NeutralDocument } from "../../neutral.ts";
import type { FormatReader, Report } from "../format.ts";
import { variablesOf } from "../go-json.ts";
import { isGiven, parseOpen } from "../open-document.ts";
import { OCI_DECISIONS, ociConfig, type OciLinux } from "./config.ts";
import { readMount } from "./mounts.ts";
import { readResources, readSolaris } from "./resources.ts";

/** Names the image to run in place of the root directory. */
const IMAGE_ANNOTATION = "org.smartos.image";
/** Sections for other platforms; with one of them the rest of the document follows other rules, too. */
const OTHER_PLATFORMS = ["windows", "vm", "zos", "freebsd"];

export const readOciRuntime: FormatReader = (source, _given, report): NeutralDocument | undefined => {
  const others = OTHER_PLATFORMS.filter((key) => isGiven(property(source.value, key)));
  for (const key of others) report.refuse([key], "is another platform's: an LX zone runs Linux programs");
  if (others.length > 0) return undefined;
  const config = parseOpen(ociConfig, source, report, OCI_DECISIONS);
  if (config === undefined) return undefined;
  if (!config.ociVersion.startsWith("1."))
    report.refuse(["ociVersion"], `version ${config.ociVersion} is not supported; only 1.x is`);
  const { process: program, root } = config;
  const { [IMAGE_ANNOTATION]: image = null, ...annotations } = config.annotations;
  if (root.readonly) report.warn(["root", "readonly"], "the root file system of a zone is writable");
  if (program.rlimits.length > 0) report.warn(["process", "rlimits"], "a zone's limits are caps of the whole zone");
  if (config.linux !== undefined) checkNamespaces(config.linux.namespaces, report);
  const { uid = 0, gid = 0, additionalGids = [] } = program.user ?? {};
  return {
    format: "oci-runtime",
    name: null,
    apps: [
      {
        at: [],
        places: PLACES,
        name: "container",
        image,
        entrypoint: program.args,
        args: [],
        env: variablesOf(program.env),
        user: `${uid}:${gid}`,
        cwd: program.cwd,
        memoryBytes: null,
        cpuCores: null,
        cpuShares: null,
        ports: [],
        mounts: config.mounts.flatMap((mount, i) => readMount(mount, ["mounts", i], report) ?? []),
        restart: { policy: "no", maxRetries: null },
        labels: {},
        hostname: config.hostname ?? null,
        rootfs: root.path,
        ...(config.linux?.resources === undefined ? {} : readResources(config.linux.resources, report)),
        // Made for zones like ours, so it wins.
        ...(config.solaris === undefined ? {} : readSolaris(config.solaris, report)),
        ...(additionalGids.length === 0 ? {} : { groups: additionalGids.map(String) }),
        ...(config.domainname === undefined ? {} : { domainname: config.domainname }),
        ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
        ...(program.terminal ? { tty: true } : {}),
      },
    ],
  };
};

/** Without a namespace the process would share the host's; a zone never does. */
const ALWAYS_OWN = ["pid", "ipc", "uts", "mount"];

function checkNamespaces(namespaces: OciLinux["namespaces"], report: Report): void {
  const at = ["linux", "namespaces"];
  const seen = new Set<string>();
  for (const [i, { type, path }] of namespaces.entries()) {
    if (seen.has(type)) report.complain([...at, i, "type"], `a second namespace of type ${JSON.stringify(type)}`);
    if (path !== undefined) report.refuse([...at, i, "path"], "a zone cannot join another container's namespace");
    seen.add(type);
  }
  if (!seen.has("network")) report.refuse(at, "without a network namespace the host's network is asked for");
  const missing = ALWAYS_OWN.filter((type) => !seen.has(type));
  if (missing.length > 0)
    report.warn(at, `a zone has its own ${missing.join(", ")} namespace${missing.length > 1 ? "s" : ""} all the same`);
}

function property(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  const inner: unknown = Reflect.get(value, key);
  return inner;
}

const PLACES = {
  annotations: ["annotations"],
  image: ["root", "path"],
  entrypoint: ["process", "args"],
  env: ["process", "env"],
  user: ["process", "user"],
  groups: ["process", "user", "additionalGids"],
  cwd: ["process", "cwd"],
  tty: ["process", "terminal"],
  memoryBytes: ["linux", "resources", "memory"],
  swapBytes: ["linux", "resources", "memory", "swap"],
  cpuCores: ["linux", "resources", "cpu"],
  cpuShares: ["linux", "resources", "cpu", "shares"],
  pidsLimit: ["linux", "resources", "pids", "limit"],
  rootfs: ["root", "path"],
  limitPriv: ["solaris", "limitpriv"],
} as const;
