// Who the app runs as: `docker:user` against the container's own passwd and group files (dockerinit.md 4.3).
import { DockerinitFatal } from "./fatal.ts";

export interface PasswdEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

export interface Identity {
  /** Set when the value named a group as well. */
  readonly split?: { readonly user: string; readonly group: string };
  readonly passwd?: PasswdEntry;
  readonly group?: GroupEntry;
  /** initgroups(3): the group and every group listing the user. Only when both entries exist. */
  readonly supplementary?: readonly number[];
}

/** Entries with the wrong number of fields or without numbers are skipped, as libc does. */
export function parsePasswd(text: string): PasswdEntry[] {
  return text.split("\n").flatMap((line) => {
    const [name, , uid, gid, , home, ...rest] = line.split(":");
    if (name === undefined || name === "" || home === undefined || rest.length > 1) return [];
    if (!isNumber(uid) || !isNumber(gid)) return [];
    return [{ name, uid: Number(uid), gid: Number(gid), home }];
  });
}

export function parseGroup(text: string): GroupEntry[] {
  return text.split("\n").flatMap((line) => {
    const [name, , gid, members, ...rest] = line.split(":");
    if (name === undefined || name === "" || rest.length > 0 || !isNumber(gid)) return [];
    return [{ name, gid: Number(gid), members: (members ?? "").split(",").filter((member) => member !== "") }];
  });
}

/**
 * Throws DockerinitFatal 5 (group) and 29 (user) for unknown names. Unknown *numbers* leave the entry unset, and an app
 * without passwd entry runs as root: that is the platform's way, not Docker's.
 */
export function resolveIdentity(
  value: string,
  passwd: readonly PasswdEntry[],
  groups: readonly GroupEntry[],
): Identity {
  const split = splitUser(value);
  const userName = split?.user ?? value;
  const givenGroup = split ? findGroup(split.group, groups) : undefined;
  const user = findUser(userName, passwd);
  const group = split ? givenGroup : groups.find((entry) => entry.gid === user?.gid);
  return {
    ...(split && { split }),
    ...(user && { passwd: user }),
    ...(group && { group }),
    ...(user && group && { supplementary: supplementaryGroups(user.name, group.gid, groups) }),
  };
}

/** Leading colons are skipped when the first word is taken, but not when the colon after it is looked for. */
function splitUser(value: string): { user: string; group: string } | undefined {
  const first = /[^:]+/.exec(value)?.[0];
  if (first === undefined || value[first.length] !== ":") return undefined;
  return { user: first, group: value.slice(first.length + 1) };
}

function findGroup(text: string, groups: readonly GroupEntry[]): GroupEntry | undefined {
  const named = groups.find((entry) => entry.name === text);
  if (named) return named;
  const gid = parseWhole(text);
  if (gid === undefined) throw new DockerinitFatal(5, `GID is not a number: ${text}`);
  return groups.find((entry) => entry.gid === gid);
}

function findUser(text: string, passwd: readonly PasswdEntry[]): PasswdEntry | undefined {
  const named = passwd.find((entry) => entry.name === text);
  if (named) return named;
  const uid = parseWhole(text);
  if (uid === undefined) throw new DockerinitFatal(29, `UID is not a number: ${text}`);
  return passwd.find((entry) => entry.uid === uid);
}

function supplementaryGroups(user: string, gid: number, groups: readonly GroupEntry[]): number[] {
  const listed = groups.filter((entry) => entry.members.includes(user)).map((entry) => entry.gid);
  return [...new Set([gid, ...listed])];
}

/** strtol over the whole text; an empty text is 0. */
function parseWhole(text: string): number | undefined {
  if (text === "") return 0;
  return /^\s*[+-]?\d+$/.test(text) ? Number(text) : undefined;
}

function isNumber(text: string | undefined): text is string {
  return text !== undefined && /^\d+$/.test(text);
}
