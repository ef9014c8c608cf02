// Log drivers a zone can have, their options and tags (dockerinit.md 8.2, sdc-docker.md 7). `json-file` and `none` need
// nothing but zoneadmd; any other makes dockerinit fork the platform's logger, whose death kills the container: at once
// where there is none, and also where its configuration is not to its taste. So all of it is checked before there is a
// zone.
import { parseLogSize } from "../spec/fields.ts";
import { suggest } from "../util/suggest.ts";

interface LogOption {
  /** What the value must be, in the words of the platform's Docker service; undefined when it is. */
  readonly fault: (value: string) => string | undefined;
  readonly required?: boolean;
  /** Appended when the option is not given. A tag's is expanded like any other. */
  readonly byDefault?: string;
  readonly tag?: boolean;
}

interface LogDriver {
  readonly options: Readonly<Record<string, LogOption>>;
  readonly needsLogger?: boolean;
}

const option = (what: string, holds: (value: string) => boolean): LogOption => ({
  fault: (value) => (holds(value) ? undefined : `must be ${what}`),
});

const FACILITIES = "kern,user,mail,daemon,auth,syslog,lpr,news,uucp,authpriv,ftp,cron";
const facility = option(
  `one of: ${FACILITIES},local[0-7] or [0-23]`,
  (value) => FACILITIES.split(",").includes(value) || /^local[0-7]$/.test(value) || /^(1?\d|2[0-3])$/.test(value),
);

/** `udp://host:port` and the like. `defaultPort` says that the port may be left out. */
function address(name: string, form: string, protocols: readonly string[], defaultPort = false): LogOption {
  return {
    required: true,
    fault: (value) => {
      const complain = (what: string): string => `must be a ${name} address "${form}"${what}`;
      const [, protocol, rest = ""] = /^(?:([^:/]*):\/\/)?(.*)$/.exec(value) ?? [];
      if (protocols.length === 0 ? protocol !== undefined : protocol === undefined || !protocols.includes(protocol))
        return complain(" (invalid protocol)");
      const [, host = "", port] = /^([^:]*)(?::(.*))?$/.exec(rest) ?? [];
      if (!/^[a-z0-9]+(?:[.-][a-z0-9]+)*$/.test(host)) return complain(" (invalid host)");
      if (port === undefined) return defaultPort ? undefined : complain(" (invalid port)");
      return /^[1-9]\d{0,4}$/.test(port) && Number(port) <= 65535 ? undefined : complain(" (invalid port)");
    },
  };
}

/** What a tag may be made of. The platform's loggers know three of these, and only fluentd's: we expand all ourselves. */
const TAG_WORDS: Readonly<Record<string, (about: TagSubject) => string>> = {
  ID: ({ dockerId }) => dockerId.slice(0, 12),
  FullID: ({ dockerId }) => dockerId,
  Name: ({ name }) => name,
  ImageName: ({ imageName }) => imageName,
  ImageID: ({ imageId }) => imageId.replace(/^sha256:/, "").slice(0, 12),
  ImageFullID: ({ imageId }) => imageId,
  DaemonName: () => "docker",
};
const TAG_WORD = /\{\{\s*\.?([^{}]*?)\s*\}\}/g;

export interface TagSubject {
  readonly dockerId: string;
  readonly name: string;
  readonly imageName: string;
  /** Config digest; empty where the image has none. */
  readonly imageId: string;
}

const tag: LogOption = {
  tag: true,
  byDefault: "{{.ID}}",
  fault: (value) => {
    const unknown = Array.from(value.matchAll(TAG_WORD), ([, word = ""]) => word).find(
      (word) => !Object.hasOwn(TAG_WORDS, word),
    );
    if (unknown === undefined && !/\{\{|\}\}/.test(value.replace(TAG_WORD, ""))) return undefined;
    const known = Object.keys(TAG_WORDS).map((word) => `{{.${word}}}`);
    return `can be made of text and ${known.join(", ")}${unknown === undefined ? "" : `, not of {{.${unknown}}}`}`;
  },
};

const DRIVERS: Readonly<Record<string, LogDriver>> = {
  "json-file": {
    options: {
      "max-size": option("a positive integer size ([0-9+][k|m|g])", (value) => parseLogSize(value) !== undefined),
      "max-file": option("a positive integer", (value) => /^\d{1,9}$/.test(value) && Number(value) >= 1),
    },
  },
  none: { options: {} },
  syslog: {
    needsLogger: true,
    options: {
      "syslog-address": address("syslog", "<udp|tcp>://<host>[:port]", ["udp", "tcp"], true),
      "syslog-facility": { ...facility, byDefault: "daemon" },
      "syslog-tag": tag,
    },
  },
  gelf: {
    needsLogger: true,
    options: { "gelf-address": address("gelf", "udp://<host>:<port>", ["udp"]), "gelf-tag": tag },
  },
  fluentd: {
    needsLogger: true,
    options: { "fluentd-address": address("fluentd", "<host>:<port>", []), "fluentd-tag": tag },
  },
};

export interface LogFault {
  /** `driver` or an option's name. */
  readonly at: "driver" | { readonly option: string };
  readonly message: string;
}

/**
 * What is wrong with a log driver and its options; empty when nothing is. `hasLogger`: whether the node has the
 * platform's logger (`host/platform-logger.ts`).
 */
export function logFaults(
  name: string,
  options: Readonly<Record<string, string>>,
  { hasLogger }: { readonly hasLogger: boolean },
): LogFault[] {
  const driver = Object.hasOwn(DRIVERS, name) ? DRIVERS[name] : undefined;
  const usable = Object.keys(DRIVERS).filter((one) => hasLogger || DRIVERS[one]?.needsLogger !== true);
  const use = `use ${usable.slice(0, -1).join(", ")} or ${usable.at(-1) ?? ""}`;
  if (driver === undefined) {
    const near = suggest(name, Object.keys(DRIVERS));
    const meant = near === undefined ? "" : ` (did you mean "${near}"?)`;
    return [{ at: "driver", message: `unsupported log driver: ${name}${meant}; ${use}` }];
  }
  if (driver.needsLogger === true && !hasLogger)
    return [
      {
        at: "driver",
        message: `the log driver ${name} needs the platform's logger, /lib/sdc/docker/logger, which this node does not have: the container would be killed at its start; ${use}`,
      },
    ];
  const known = Object.keys(driver.options);
  const given = Object.entries(options).flatMap(([key, value]): LogFault[] => {
    const rule = Object.hasOwn(driver.options, key) ? driver.options[key] : undefined;
    const fault = rule === undefined ? unknownOption(name, key, known) : rule.fault(value);
    return fault === undefined ? [] : [{ at: { option: key }, message: fault }];
  });
  const missing = known.filter((key) => driver.options[key]?.required === true && !Object.hasOwn(options, key));
  return [
    ...given,
    ...missing.map((key): LogFault => ({
      at: "driver",
      message: `missing required log opt '${key}' for log driver: ${name}`,
    })),
  ];
}

function unknownOption(driver: string, key: string, known: readonly string[]): string {
  if (known.length === 0) return `log driver: ${driver} does not support options`;
  const near = suggest(key, known) ?? known.find((one) => one.endsWith(`-${key}`));
  const meant = near === undefined ? `it takes ${known.join(", ")}` : `did you mean "${near}"?`;
  return `unknown log opt: '${key}' for ${driver} driver (${meant})`;
}

/** The options as `docker:logconfig` stores them: what is given, then the driver's defaults, tags expanded. */
export function logOptions(
  name: string,
  options: Readonly<Record<string, string>>,
  subject: TagSubject,
): Record<string, string> {
  const known = DRIVERS[name]?.options ?? {};
  const defaults = Object.entries(known).flatMap(([key, { byDefault }]) =>
    byDefault === undefined || Object.hasOwn(options, key) ? [] : [[key, byDefault] as const],
  );
  return Object.fromEntries(
    [...Object.entries(options), ...defaults].map(([key, value]) => {
      if (known[key]?.tag === true)
        return [key, value.replace(TAG_WORD, (text, word: string) => TAG_WORDS[word]?.(subject) ?? text)];
      return [key, key === "syslog-address" && !/:\d+$/.test(value) ? `${value}:514` : value];
    }),
  );
}

export interface LogDriverUse {
  readonly name: string;
  readonly usable: boolean;
  readonly reason?: string;
}

/** Every driver, and whether a node with or without the platform's logger can use it. */
export function logDrivers(hasLogger: boolean): readonly LogDriverUse[] {
  return Object.entries(DRIVERS).map(([name, { needsLogger = false }]) =>
    needsLogger && !hasLogger
      ? { name, usable: false, reason: "the node has no logger of the platform's" }
      : { name, usable: true },
  );
}
