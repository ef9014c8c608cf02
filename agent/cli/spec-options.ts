// The options that describe a container, shared by run, create and explain, and their way into spec documents.
import { Option, type Command } from "commander";
import { AgentError } from "../errors/agent-error.ts";
import { readSpecFile, readSpecText, specFromFlags, type SpecDocument } from "../spec/read.ts";
import { SPEC_FORMATS, type SpecFormat } from "../spec/formats/format.ts";
import { NAMESPACE_LABEL } from "../util/identifiers.ts";
import { suggest } from "../util/suggest.ts";
import type { CliContext } from "./context.ts";

export interface SpecOptions {
  readonly file?: string;
  readonly format?: SpecFormat;
  readonly name?: string;
  readonly env?: readonly string[];
  readonly envFile?: readonly string[];
  readonly package?: string;
  readonly memory?: string;
  readonly memorySwap?: string;
  readonly cpus?: string;
  readonly pidsLimit?: string;
  readonly disk?: string;
  readonly entrypoint?: string;
  readonly user?: string;
  readonly addUser?: boolean;
  readonly workdir?: string;
  readonly label?: readonly string[];
  readonly namespace?: string;
  readonly network?: readonly string[];
  readonly ip?: string;
  readonly dns?: readonly string[];
  readonly addHost?: readonly string[];
  readonly hostname?: string;
  readonly restart?: string;
  readonly volume?: readonly string[];
  readonly volumesFrom?: readonly string[];
  readonly interactive?: boolean;
  readonly tty?: boolean;
  readonly stopSignal?: string;
  readonly stopTimeout?: string;
  readonly kernelVersion?: string;
  readonly logDriver?: string;
  readonly logOpt?: readonly string[];
  readonly rm?: boolean;
  readonly healthCmd?: string;
  readonly healthInterval?: string;
  readonly healthTimeout?: string;
  readonly healthRetries?: string;
  readonly healthStartPeriod?: string;
  readonly healthStartInterval?: string;
  /** Commander's form of `--no-healthcheck`. */
  readonly healthcheck?: boolean;
}

const repeat = (value: string, previous: readonly string[] | undefined): readonly string[] => [
  ...(previous ?? []),
  value,
];

export function addSpecOptions(command: Command): Command {
  const many = (flags: string, text: string): Option => new Option(flags, text).argParser(repeat);
  return command
    .argument("[image]", "reference, id or uuid of the image (not with -f)")
    .argument("[command...]", "command and arguments instead of the image's")
    .option("-f, --file <file>", 'container spec, vmadm manifest, Compose file, pod, …; "-" reads stdin')
    .addOption(formatOption())
    .option("--name <name>", "name of the container")
    .addOption(many("-e, --env <K=V>", "variable; K alone takes the value of this environment"))
    .addOption(many("--env-file <file>", "file of K=V lines"))
    .option("--package <name>", "resource profile of the configuration, by name or uuid")
    .option("-m, --memory <size>", "memory cap, e.g. 512m")
    .option("--memory-swap <size>", "cap of memory plus swap")
    .option("--cpus <n>", "CPU cap in CPUs, e.g. 1.5")
    .option("--pids-limit <n>", "limit of threads")
    .option("--disk <size>", "disk quota, e.g. 10g")
    .option("--entrypoint <program>", 'instead of the image\'s entrypoint ("" for none)')
    .option("-u, --user <user>", "user, uid, user:group or uid:gid")
    .option("--add-user", "add a numeric user the image does not know to the zone's passwd file")
    .option("-w, --workdir <path>", "working directory")
    .addOption(many("-l, --label <K=V>", "label"))
    .option("--namespace <name>", "grouping of its own for ps and events (label zonelet.namespace)")
    .addOption(many("--net, --network <name>", 'network of the configuration, or "none"'))
    .option("--ip <address>", "static address in the first network")
    .addOption(many("--dns <address>", "resolver"))
    .addOption(many("--add-host <name:address>", "line for /etc/hosts"))
    .option("--hostname <name>", "host name inside")
    .option("--restart <policy>", "no, always, on-failure[:N] or unless-stopped")
    .addOption(many("-v, --volume <src:dst[:ro]>", "bind mount, volume by name, or anonymous volume"))
    .addOption(many("--volumes-from <container[:ro]>", "mount what that container mounts"))
    .option("-i, --interactive", "keep stdin open")
    .option("-t, --tty", "give the process a terminal")
    .option("--stop-signal <name>", "signal of a polite stop")
    .option("--stop-timeout <duration>", "time between that signal and SIGKILL, e.g. 10s")
    .option("--health-cmd <text>", "what the shell runs to check its health")
    .option("--health-interval <duration>", "time between checks, e.g. 30s")
    .option("--health-timeout <duration>", "time after which a check has failed")
    .option("--health-retries <n>", "failures in a row that make it unhealthy")
    .option("--health-start-period <duration>", "time after the start in which failures do not count")
    .option("--health-start-interval <duration>", "time between checks in that time")
    .option("--no-healthcheck", "no checks, not even the image's")
    .option("--kernel-version <version>", "Linux version the zone claims")
    .option("--log-driver <name>", "json-file, none, syslog, gelf or fluentd")
    .addOption(many("--log-opt <K=V>", "option of the log driver"))
    .passThroughOptions();
}

/** `--format NAME`: what a file is, whatever its keys tell. */
export function formatOption(): Option {
  return new Option(
    "--format <name>",
    `what the file is: ${SPEC_FORMATS.join(", ")} (default: told by its keys)`,
  ).argParser((text): SpecFormat => {
    const format = SPEC_FORMATS.find((name) => name === text);
    if (format !== undefined) return format;
    const near = suggest(text, SPEC_FORMATS);
    throw new AgentError(
      "USAGE",
      `there is no format "${text}"${near === undefined ? "" : ` (did you mean "${near}"?)`}`,
      {
        hint: `use one of ${SPEC_FORMATS.join(", ")}`,
      },
    );
  });
}

/** The containers of a file; `-` is stdin. */
export async function readFileDocuments(
  context: CliContext,
  file: string,
  format?: SpecFormat,
): Promise<SpecDocument[]> {
  // Compose's `${NAME}` means the caller's environment, as docker compose has it.
  const given = { variables: context.variables, format };
  const { signal } = context.interrupts;
  return file === "-"
    ? readSpecText(await context.readStdin(), "stdin", context.cwd, signal, given)
    : readSpecFile(file, signal, given);
}

/** The containers an invocation describes: those of the file, or one made of flags. At least one. */
export async function readDocuments(
  context: CliContext,
  image: string | undefined,
  args: readonly string[],
  options: SpecOptions,
): Promise<SpecDocument[]> {
  if (options.file !== undefined) {
    if (image !== undefined)
      throw new AgentError("USAGE", "give a file (-f) or an image, not both", {
        hint: "command and image belong into the file",
      });
    refuseMixed(options);
    return readFileDocuments(context, options.file, options.format);
  }
  if (options.format !== undefined)
    throw new AgentError("USAGE", "--format says what a file is", { hint: "give the file with -f" });
  if (image === undefined)
    throw new AgentError("USAGE", "which image?", { hint: 'give a reference such as "nginx:1.27", or -f FILE' });
  const { value, flags } = flagsToSpec(image, args, options, context.variables);
  return [await specFromFlags(value, flags, context.cwd)];
}

/** Beside a file only options about the invocation make sense; silently ignoring the others would be worse than refusing. */
const ALLOWED_WITH_FILE = new Set(["file", "format", "name", "rm", "addUser"]);

function refuseMixed(options: SpecOptions): void {
  const spec = ["env", "envFile", "package", "memory", "memorySwap", "cpus", "pidsLimit", "disk", "entrypoint", "user", "workdir", "label", "network", "ip", "dns", "addHost", "hostname", "restart", "volume", "volumesFrom", "interactive", "tty", "stopSignal", "stopTimeout", "kernelVersion", "logDriver", "logOpt", "healthCmd", "healthInterval", "healthTimeout", "healthRetries", "healthStartPeriod", "healthStartInterval"] as const; // prettier-ignore
  const mixed: string[] = spec.filter((key) => options[key] !== undefined && !ALLOWED_WITH_FILE.has(key));
  if (options.healthcheck === false) mixed.push("noHealthcheck");
  if (mixed.length > 0)
    throw new AgentError("USAGE", `${mixed.map(flagName).join(", ")} cannot be given together with -f`, {
      hint: "write it into the file",
    });
}

const flagName = (key: string): string => `--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;

function flagsToSpec(
  image: string,
  args: readonly string[],
  options: SpecOptions,
  environment: Readonly<Record<string, string>>,
): { readonly value: Record<string, unknown>; readonly flags: Record<string, string> } {
  const value: Record<string, unknown> = { image };
  const flags: Record<string, string> = { image: "IMAGE" };
  const set = (key: string, flag: string, given: unknown): void => {
    if (given === undefined) return;
    value[key] = given;
    flags[key] = flag;
  };
  set("name", "--name", options.name);
  set("command", "COMMAND", args.length > 0 ? args : undefined);
  set(
    "entrypoint",
    "--entrypoint",
    options.entrypoint === undefined ? undefined : options.entrypoint === "" ? [] : [options.entrypoint],
  );
  set(
    "env",
    "--env",
    options.env?.flatMap((entry) => fromEnvironment(entry, environment)),
  );
  set("envFile", "--env-file", options.envFile);
  set("package", "--package", options.package);
  set("memory", "--memory", options.memory);
  set("memorySwap", "--memory-swap", options.memorySwap === "-1" ? -1 : options.memorySwap);
  set("cpus", "--cpus", options.cpus);
  set("pids", "--pids-limit", numeric(options.pidsLimit));
  set("disk", "--disk", options.disk);
  set("user", "--user", options.user);
  set("workdir", "--workdir", options.workdir);
  set("labels", "--label", labelsOf(options));
  set("networks", "--net", networks(options));
  if (options.ip !== undefined) flags["networks[0].ip"] = "--ip";
  set("dns", "--dns", options.dns);
  set("extraHosts", "--add-host", options.addHost);
  set("hostname", "--hostname", options.hostname);
  set("restart", "--restart", options.restart);
  set("volumes", "--volume", options.volume);
  set("volumesFrom", "--volumes-from", options.volumesFrom);
  set("stdin", "--interactive", options.interactive);
  set("tty", "--tty", options.tty);
  set("stopSignal", "--stop-signal", options.stopSignal);
  set("stopTimeout", "--stop-timeout", options.stopTimeout);
  set("kernelVersion", "--kernel-version", options.kernelVersion);
  set("healthcheck", "--health-cmd", healthSpec(options));
  if (options.logDriver !== undefined || options.logOpt !== undefined) set("log", "--log-driver", logSpec(options));
  set("autoRemove", "--rm", options.rm === true ? true : undefined);
  return { value, flags };
}

/** `-e NAME` alone hands on the caller's variable, as Docker does; one that is not set is left out. */
function fromEnvironment(entry: string, environment: Readonly<Record<string, string>>): string[] {
  if (entry.includes("=")) return [entry];
  const value = environment[entry];
  return value === undefined ? [] : [`${entry}=${value}`];
}

function networks(options: SpecOptions): unknown {
  const names = options.network ?? [];
  if (names.length === 1 && names[0] === "none") {
    if (options.ip !== undefined) throw new AgentError("USAGE", '--ip makes no sense with "--net none"');
    return "none";
  }
  if (options.ip === undefined) return names.length === 0 ? undefined : names;
  const [first, ...rest] = names;
  if (first === undefined)
    throw new AgentError("USAGE", "--ip needs the network it belongs to", { hint: "add --net NAME" });
  return [{ name: first, ip: options.ip }, ...rest];
}

/** Fields of the spec's healthcheck by the flags they come from. */
const HEALTH_FIELDS = {
  test: "healthCmd",
  interval: "healthInterval",
  timeout: "healthTimeout",
  retries: "healthRetries",
  startPeriod: "healthStartPeriod",
  startInterval: "healthStartInterval",
} as const;

function healthSpec(options: SpecOptions): unknown {
  const given = Object.entries(HEALTH_FIELDS).filter(([, flag]) => options[flag] !== undefined);
  if (options.healthcheck !== false)
    return given.length === 0
      ? undefined
      : Object.fromEntries(
          given.map(([field, flag]) => [field, field === "retries" ? numeric(options[flag]) : options[flag]]),
        );
  const [first] = given;
  if (first !== undefined) throw new AgentError("USAGE", `${flagName(first[1])} makes no sense with --no-healthcheck`);
  return "none";
}

function logSpec(options: SpecOptions): Record<string, unknown> {
  const pairs = (options.logOpt ?? []).map((entry): [string, string] => {
    const equals = entry.indexOf("=");
    if (equals <= 0) throw new AgentError("USAGE", `--log-opt takes K=V, not "${entry}"`);
    return [entry.slice(0, equals), entry.slice(equals + 1)];
  });
  const maxSize = pairs.find(([key]) => key === "max-size")?.[1];
  return {
    ...(options.logDriver === undefined ? {} : { driver: options.logDriver }),
    options: Object.fromEntries(pairs.filter(([key]) => key !== "max-size")),
    ...(maxSize === undefined ? {} : { maxSize }),
  };
}

function numeric(text: string | undefined): unknown {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : text;
}

function labelsOf({ label, namespace }: SpecOptions): readonly string[] | undefined {
  return namespace === undefined ? label : [...(label ?? []), `${NAMESPACE_LABEL}=${namespace}`];
}
