// Environment and working directory of the app (dockerinit.md 4.4, 4.5).

export const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export interface EnvironmentInput {
  readonly home: string;
  /** dockerexec gives none. */
  readonly hostname: string | undefined;
  readonly linkEnv: readonly string[];
  readonly env: readonly string[];
}

export interface Environment {
  /** `NAME=value`, in order. */
  readonly entries: readonly string[];
  /** Entries without a name or without `=`. */
  readonly ignored: readonly string[];
}

/** A later entry of the same name replaces the value where the first one stands. */
export function buildEnvironment({ home, hostname, linkEnv, env }: EnvironmentInput): Environment {
  const values = new Map<string, string>();
  const ignored: string[] = [];
  const add = (entry: string): void => {
    const equals = entry.indexOf("=");
    if (equals <= 0) ignored.push(entry);
    else values.set(entry.slice(0, equals), entry.slice(equals + 1));
  };
  add("TERM=xterm");
  add(`HOME=${home}`);
  add(`PATH=${DEFAULT_PATH}`);
  if (hostname !== undefined) add(`HOSTNAME=${hostname}`);
  for (const entry of [...linkEnv, ...env]) add(entry);
  return { entries: [...values].map(([name, value]) => `${name}=${value}`), ignored };
}

/** `~` at the start is the passwd home where there is one, `~foo` is foo below it; everything else is taken from `/`. */
export function workdirPath(value: string | undefined, home: string | undefined): string {
  if (value === undefined) return "/";
  const path = value.startsWith("~") && home !== undefined ? `${home}/${value.slice(1)}` : value;
  return `/${path}`.replaceAll(/\/{2,}/g, "/").replace(/(.)\/$/, "$1");
}
