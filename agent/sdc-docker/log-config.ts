// Log drivers and their options (sdc-docker.md 7).
import { member, membersOf, textOf, type Members } from "./members.ts";
import { invalid } from "./refuse.ts";

export interface LogConfig {
  readonly driver: string;
  readonly options: Readonly<Record<string, string>>;
}

interface Option {
  /** Why the value is wrong, after `must be`; undefined if it is right. */
  readonly check: (value: string) => string | undefined;
  readonly required?: true;
}

interface Driver {
  readonly options: Readonly<Record<string, Option>>;
  /** Options that have a value also where none was given, in the order they are appended. */
  readonly defaults?: (options: Readonly<Record<string, string>>, shortId: string) => Readonly<Record<string, string>>;
}

const SIZE: Option = {
  check: (value) =>
    /^[0-9]+[kmg]$/.test(value) && parseInt(value, 10) >= 1 ? undefined : "a positive integer size ([0-9+][k|m|g])",
};
const COUNT: Option = {
  check: (value) => (/^[0-9]+$/.test(value) && Number(value) >= 1 ? undefined : "a positive integer"),
};
const TAG: Option = { check: () => undefined };
const FACILITIES =
  /^(?:[0-9]|1[0-9]|2[0-3]|kern|user|mail|daemon|auth|syslog|lpr|news|uucp|authpriv|ftp|cron|local[0-7])$/;
const FACILITY: Option = {
  check: (value) =>
    FACILITIES.test(value)
      ? undefined
      : "one of: kern,user,mail,daemon,auth,syslog,lpr,news,uucp,authpriv,ftp,cron,local[0-7] or [0-23]",
};

const SYSLOG_ADDRESS = address('a syslog address "<udp|tcp>://<host>[:port]"', ["udp", "tcp"], false);
const DRIVERS: Readonly<Record<string, Driver>> = {
  "json-file": { options: { "max-size": SIZE, "max-file": COUNT } },
  none: { options: {} },
  syslog: {
    options: { "syslog-address": SYSLOG_ADDRESS, "syslog-facility": FACILITY, "syslog-tag": TAG },
    defaults: (options, id) => {
      const given = options["syslog-address"] ?? "";
      return {
        "syslog-address": /:\d+$/.test(given) ? given : `${given}:514`,
        "syslog-facility": options["syslog-facility"] ?? "daemon",
        "syslog-tag": options["syslog-tag"] ?? id,
      };
    },
  },
  gelf: {
    options: { "gelf-address": address('a gelf address "udp://<host>:<port>"', ["udp"], true), "gelf-tag": TAG },
    defaults: (options, id) => ({ "gelf-tag": options["gelf-tag"] ?? id }),
  },
  fluentd: {
    options: { "fluentd-address": address('a fluentd address "<host>:<port>"', [], true), "fluentd-tag": TAG },
    defaults: (options, id) => ({ "fluentd-tag": options["fluentd-tag"] ?? id }),
  },
};

export function parseLogConfig(config: Members, enabled: readonly string[]): LogConfig {
  const type = textOf(config, "Type", "HostConfig.LogConfig.Type") ?? "";
  const driver = type === "" ? "json-file" : type;
  const rules = enabled.includes(driver) && Object.hasOwn(DRIVERS, driver) ? DRIVERS[driver] : undefined;
  if (rules === undefined) throw invalid(`unsupported log driver: ${driver}`);
  const given = membersOf(config, "Config", "HostConfig.LogConfig.Config") ?? {};
  for (const [name, { required }] of Object.entries(rules.options))
    if (required === true && member(given, name) === undefined)
      throw invalid(`missing required log opt '${name}' for log driver: ${driver}`);
  const options = Object.entries(given).map(([name, value]): [string, string] => {
    const rule = Object.hasOwn(rules.options, name) ? rules.options[name] : undefined;
    if (driver === "none") throw invalid("log driver: none does not support options");
    if (rule === undefined) throw invalid(`unknown log opt: '${name}' for ${driver} driver`);
    const fault = typeof value === "string" ? rule.check(value) : "a string";
    if (fault !== undefined || typeof value !== "string") throw invalid(`"log opt '${name}'" must be ${fault}`);
    return [name, value];
  });
  return { driver, options: Object.fromEntries(options) };
}

/** What is stored: the given options with the driver's defaults behind them, and a fluentd tag's markup filled in. */
export function storedLogOptions(
  log: LogConfig,
  container: { readonly dockerId: string; readonly name: string },
): Readonly<Record<string, string>> {
  const { dockerId, name } = container;
  const options = { ...log.options, ...DRIVERS[log.driver]?.defaults?.(log.options, dockerId.slice(0, 12)) };
  const tag = options["fluentd-tag"];
  if (tag === undefined) return options;
  const words: Readonly<Record<string, string>> = { ID: dockerId.slice(0, 12), FullID: dockerId, Name: name };
  return {
    ...options,
    "fluentd-tag": tag.replace(/\{\{\.(ID|FullID|Name)\}\}/g, (_, word: string) => words[word] ?? ""),
  };
}

const UNITS: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, g: 1e9 };

/** Bytes after which the zone's log is rotated: `max-size` of json-file, else the service's default. */
export function logRotation(log: LogConfig | undefined, defaultBytes: number): number {
  const size = log?.driver === "json-file" ? log.options["max-size"] : undefined;
  if (size === undefined) return defaultBytes;
  const bytes = parseInt(size, 10) * (UNITS[size.slice(-1)] ?? 1);
  return Number.isSafeInteger(bytes) ? bytes : defaultBytes;
}

/** `[protocol://]host[:port]`; the port may be left out where `portRequired` is false. */
function address(what: string, protocols: readonly string[], portRequired: boolean): Option {
  return {
    required: true,
    check: (value) => {
      const [, protocol, rest = value] = protocols.length === 0 ? [] : (/^([a-z]*):\/\/([^]*)$/.exec(value) ?? []);
      if (protocols.length > 0 && protocol === undefined) return what;
      if (protocol !== undefined && !protocols.includes(protocol)) return `${what} (invalid protocol)`;
      const parts = rest.split(":");
      const [host = "", port] = parts;
      if (parts.length > 2 || (portRequired && port === undefined)) return what;
      if (!/^[a-z0-9\-.]+$/.test(host) || /^[.-]|[.-]$|[.-]{2}/.test(host)) return `${what} (invalid host)`;
      if (port !== undefined && !isPort(port)) return `${what} (invalid port)`;
      return undefined;
    },
  };
}

function isPort(text: string): boolean {
  return /^[0-9]{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65535;
}
