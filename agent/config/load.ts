// Reads the configuration once at start. The environment is read here and nowhere else.
//
// On SmartOS the host is the machine itself. Elsewhere it is a lab host: the one LABHOST_ROOT names, else the user's
// default one. The agent never sets a lab host up; it only tells how (`zonelet-lab init`).
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { isMap, isScalar, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { AgentError } from "../errors/agent-error.ts";
import { suggest } from "../util/suggest.ts";
import { configSchema, packageSchema, registryHostSchema, type Config } from "./schema.ts";

export interface LoadOptions {
  /** File named on the command line; it must exist then. */
  readonly file?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly platform?: NodeJS.Platform;
}

/** Default place of a lab host: the same rule as in `labhost`. */
function defaultLabRoot(env: Readonly<Record<string, string | undefined>>): string {
  const explicit = env["LABHOST_ROOT"];
  if (explicit !== undefined && explicit !== "") return explicit;
  if (process.getuid?.() === 0) return "/var/lib/zonelet-lab";
  return join(env["XDG_DATA_HOME"] ?? join(homedir(), ".local/share"), "zonelet-lab");
}

/** Where docker keeps its logins; undefined when there is nothing. */
function defaultDockerConfig(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const directory = env["DOCKER_CONFIG"] ?? (env["HOME"] === undefined ? undefined : join(env["HOME"], ".docker"));
  const file = directory === undefined ? undefined : resolve(directory, "config.json");
  return file !== undefined && existsSync(file) ? file : undefined;
}

/** Loads and freezes the configuration. Raises CONFIG_INVALID with file:line:column, or HOST_UNSUPPORTED without a host. */
export function loadConfig(options: LoadOptions = {}): Config {
  const env = options.env ?? process.env;
  const smartos = (options.platform ?? process.platform) === "sunos";
  const implicitRoot = smartos ? "/" : defaultLabRoot(env);
  const named = options.file ?? env["ZONELET_CONFIG"];
  const file = named ?? join(implicitRoot, "opt/custom/etc/zonelet.yaml");
  if (named !== undefined && !existsSync(named))
    throw new AgentError("CONFIG_INVALID", `configuration file ${named} does not exist`);
  const parsed = existsSync(file) ? parseConfig(readFileSync(file, "utf8"), file) : configSchema.parse({ version: 1 });

  const root = parsed.host.root ?? implicitRoot;
  const binDirs = parsed.host.binDirs ?? (smartos ? [] : [join(root, "bin")]);
  if (!smartos && !binDirs.some((directory) => existsSync(join(directory, "vmadm"))))
    throw new AgentError("HOST_UNSUPPORTED", "this machine is not SmartOS and no lab host is set up", {
      hint: `run "zonelet-lab init" to make one in ${root}, or point LABHOST_ROOT at an existing one`,
    });

  const commandEnv: Record<string, string> = {
    PATH: [...binDirs, "/usr/sbin", "/usr/bin", "/sbin", "/bin"].join(":"),
    LC_ALL: "C",
  };
  for (const [key, value] of Object.entries(env))
    if (
      value !== undefined &&
      (key === "TMPDIR" || key === "HOME" || key === "REQ_ID" || (!smartos && key.startsWith("LABHOST_")))
    )
      commandEnv[key] = value;
  if (!smartos) commandEnv["LABHOST_ROOT"] = root;

  const proxies = {
    http: parsed.registries.proxy.http ?? env["http_proxy"] ?? env["HTTP_PROXY"],
    https: parsed.registries.proxy.https ?? env["https_proxy"] ?? env["HTTPS_PROXY"],
    none: parsed.registries.proxy.none ?? env["no_proxy"] ?? env["NO_PROXY"],
  };
  const dockerConfig = parsed.registries.dockerConfig ?? defaultDockerConfig(env);
  const config: Config = {
    ...parsed,
    registries: { ...parsed.registries, ...(dockerConfig === undefined ? {} : { dockerConfig }) },
    host: { ...parsed.host, root, binDirs, lab: !smartos },
    file: existsSync(file) ? file : undefined,
    commandEnv,
    noColor: (env["NO_COLOR"] ?? "") !== "",
    proxies: {
      ...(proxies.http === undefined ? {} : { http: proxies.http }),
      ...(proxies.https === undefined ? {} : { https: proxies.https }),
      ...(proxies.none === undefined ? {} : { none: proxies.none }),
    },
  };
  return deepFreeze(config);
}

function parseConfig(text: string, file: string): z.output<typeof configSchema> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const syntax = document.errors[0];
  if (syntax) {
    const { line, col } = lines.linePos(syntax.pos[0]);
    throw new AgentError("CONFIG_INVALID", `${file}:${line}:${col} ${syntax.message.split("\n")[0] ?? ""}`);
  }
  const result = configSchema.safeParse(document.toJS({ maxAliasCount: 100 }));
  if (result.success) return result.data;
  const complaints = result.error.issues.map((issue) => {
    const unknown = issue.code === "unrecognized_keys" ? issue.keys[0] : undefined;
    const path = unknown === undefined ? issue.path : [...issue.path, unknown];
    const parent: unknown = issue.path.length === 0 ? document.contents : document.getIn(issue.path, true);
    const key = isMap(parent) ? parent.items.find(({ key }) => isScalar(key) && key.value === unknown)?.key : undefined;
    const node: unknown = unknown === undefined ? document.getIn(path, true) : key;
    const offset = hasRange(node) ? node.range[0] : 0;
    const { line, col } = lines.linePos(offset);
    const near = unknown === undefined ? undefined : suggest(unknown, keysAt(issue.path));
    const told =
      unknown === undefined
        ? issue.message
        : `unknown key "${unknown}"${near === undefined ? "" : ` (did you mean "${near}"?)`}`;
    return `${file}:${line}:${col} ${path.join(".")}: ${told}`;
  });
  throw new AgentError("CONFIG_INVALID", complaints.join("\n"));
}

function hasRange(node: unknown): node is { range: [number, number, number] } {
  return typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range);
}

function keysAt(path: readonly PropertyKey[]): string[] {
  const top = configSchema.shape;
  if (path.length === 0) return Object.keys(top);
  const first = path[0];
  if (first === "host" || first === "log" || first === "defaults" || first === "mounts" || first === "registries")
    return Object.keys(
      first === "registries" && path.length > 2 ? registryHostSchema.shape : top[first].unwrap().shape,
    );
  if (first === "packages") return Object.keys(packageSchema.shape);
  return ["nicTag", "subnet", "gateway", "vlan", "resolvers", "mtu"];
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
