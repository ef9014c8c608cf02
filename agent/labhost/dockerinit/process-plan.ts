// The steps dockerinit and dockerexec share: from metadata to user, working directory and environment
// (dockerinit.md 4.3 to 4.5, 9.2). Every step logs its lines in dockerinit's order.
import { buildEnvironment, workdirPath } from "./environment.ts";
import { DockerinitFatal, errnoText } from "./fatal.ts";
import { parseGroup, parsePasswd, resolveIdentity, type Identity } from "./identity.ts";
import { parseStringArray } from "./json-nvlist.ts";
import type { Metadata } from "./metadata.ts";
import { InRootError, type ZoneFiles } from "../runtime/in-root.ts";

export type LogLine = (text: string) => void;

/** Reads a key and logs that it did. */
export function readKey(metadata: Metadata, key: string, log: LogLine): string | undefined {
  const value = metadata.get(key);
  log(value === undefined ? `INFO no metadata for '${key}'` : `MDATA ${key}=${value}`);
  return value;
}

export function planIdentity(metadata: Metadata, files: ZoneFiles, log: LogLine): Identity {
  const value = readKey(metadata, "docker:user", log) ?? "0";
  const passwd = parsePasswd(files.readText("/etc/passwd") ?? "");
  const groups = parseGroup(files.readText("/etc/group") ?? "");
  const identity = resolveIdentity(value, passwd, groups);
  if (identity.split) log(`SPLIT user: '${identity.split.user}' group: '${identity.split.group}'`);
  if (identity.passwd) {
    log(`INFO passwd.pw_name: ${identity.passwd.name}`);
    log(`INFO passwd.pw_uid: ${identity.passwd.uid}`);
    log(`INFO passwd.pw_gid: ${identity.passwd.gid}`);
    log(`INFO passwd.pw_dir: ${identity.passwd.home}`);
  }
  if (identity.group) {
    log(`INFO group.gr_name: ${identity.group.name}`);
    log(`INFO group.gr_gid: ${identity.group.gid}`);
  }
  return identity;
}

/** Creates the directory as root. Throws DockerinitFatal 49. */
export function planWorkdir(metadata: Metadata, files: ZoneFiles, identity: Identity, log: LogLine): string {
  const path = workdirPath(readKey(metadata, "docker:workdir", log), identity.passwd?.home);
  log(`WORKDIR '${path}'`);
  try {
    return files.makeDirectories(path, 0o755).inZone;
  } catch (error) {
    // An existing file passes mkdirp (EEXIST is fine there) and fails in chdir.
    if (error instanceof InRootError && error.code === "EEXIST")
      throw new DockerinitFatal(2, `chdir(${path}) failed: Not a directory`);
    throw new DockerinitFatal(49, `mkdirp(${path}) failed: ${errnoText(error)}`);
  }
}

export function planEnvironment(
  metadata: Metadata,
  identity: Identity,
  hostname: string | undefined,
  log: LogLine,
): readonly string[] {
  const list = (key: string): string[] => {
    const text = readKey(metadata, key, log);
    return text === undefined ? [] : parseStringArray(key, text);
  };
  const { entries, ignored } = buildEnvironment({
    home: identity.passwd?.home ?? "/",
    hostname,
    linkEnv: list("docker:linkEnv"),
    env: list("docker:env"),
  });
  for (const entry of ignored) log(`WARN ignoring empty env var ${entry}`);
  for (const [index, entry] of entries.entries()) log(`ENV[${index}] ${entry}`);
  return entries;
}
