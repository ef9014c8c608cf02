// Log drivers a zone can have. `json-file` and `none` need nothing but zoneadmd; any other makes dockerinit fork the
// platform's logger, whose death kills the container (dockerinit.md 8), so those wait for a probe of the node.
import { suggest } from "../util/suggest.ts";
import { parseLogSize } from "../spec/fields.ts";

type OptionRule = (value: string) => string | undefined;

interface LogDriver {
  readonly options: Readonly<Record<string, OptionRule>>;
  /** Why the driver cannot be used. */
  readonly refused?: string;
}

const logSize: OptionRule = (value) =>
  parseLogSize(value) === undefined ? "must be digits and k, m or g, e.g. 10m" : undefined;
const positive: OptionRule = (value) => (/^[1-9]\d{0,8}$/.test(value) ? undefined : "must be a positive whole number");

const NEEDS_LOGGER =
  "needs the platform's logger, which this version does not use: if the logger ends, so does the container";

const DRIVERS: Readonly<Record<string, LogDriver>> = {
  "json-file": { options: { "max-size": logSize, "max-file": positive } },
  none: { options: {} },
  syslog: { options: {}, refused: NEEDS_LOGGER },
  gelf: { options: {}, refused: NEEDS_LOGGER },
  fluentd: { options: {}, refused: NEEDS_LOGGER },
  journald: { options: {}, refused: "does not exist on the platform" },
};

const USABLE = Object.keys(DRIVERS).filter((name) => DRIVERS[name]?.refused === undefined);

export interface LogFault {
  /** `driver` or an option's name. */
  readonly at: "driver" | { readonly option: string };
  readonly message: string;
}

/** What is wrong with a log driver and its options; empty when nothing is. */
export function logFaults(name: string, options: Readonly<Record<string, string>>): LogFault[] {
  const driver = Object.hasOwn(DRIVERS, name) ? DRIVERS[name] : undefined;
  const use = `use ${USABLE.join(" or ")}`;
  if (driver === undefined) {
    const near = suggest(name, USABLE);
    const meant = near === undefined ? "" : ` (did you mean "${near}"?)`;
    return [{ at: "driver", message: `there is no log driver ${JSON.stringify(name)}${meant}; ${use}` }];
  }
  if (driver.refused !== undefined)
    return [{ at: "driver", message: `the log driver ${name} ${driver.refused}; ${use}` }];
  return Object.entries(options).flatMap(([option, value]): LogFault[] => {
    const rule = Object.hasOwn(driver.options, option) ? driver.options[option] : undefined;
    if (rule === undefined) {
      const known = Object.keys(driver.options);
      const told = known.length === 0 ? "takes no options" : `takes ${known.join(", ")}`;
      return [{ at: { option }, message: `unknown option "${option}": the log driver ${name} ${told}` }];
    }
    const fault = rule(value);
    return fault === undefined ? [] : [{ at: { option }, message: fault }];
  });
}
