// A user of numbers the image's files do not know, made known to the platform: lines for the zone's passwd and group
// files, and a `docker:user` that names them.
//
// The names matter: dockerinit runs a *number* it cannot find as root, but ends with a fatal error for a *name* it cannot
// find (dockerinit.md 4.3). A zone whose files never got their lines does not start, instead of starting as root.

/** Lines to append, without line feeds. */
export interface AccountLines {
  readonly passwd: readonly string[];
  readonly group: readonly string[];
}

export interface Account {
  readonly name: string;
  readonly id: number;
}

export type AddedAccounts =
  | { readonly ok: true; readonly user: string; readonly accounts: AccountLines }
  | { readonly ok: false; readonly message: string };

/** illumos has signed 32-bit ids. */
const MAX_ID = 2_147_483_647;

/**
 * `user` and `group` as `docker:user` has them, `accounts` and `groups` what the image's files list. Without a group the
 * primary one is 0, as with Docker. A name that is not listed cannot be added: nobody says its number.
 */
export function addAccounts(
  user: string,
  group: string | undefined,
  accounts: readonly Account[],
  groups: readonly Account[],
): AddedAccounts {
  const known = find(accounts, user);
  if (known === undefined && !isId(user)) return { ok: false, message: noNumber("user", user) };
  const wanted = group ?? (known === undefined ? "0" : undefined);
  const knownGroup = wanted === undefined ? undefined : find(groups, wanted);
  if (wanted !== undefined && knownGroup === undefined && !isId(wanted))
    return { ok: false, message: noNumber("group", wanted) };
  const newGroup = wanted === undefined || knownGroup !== undefined ? undefined : groupName(wanted);
  // The platform needs no entry for root.
  const newUser = known === undefined && Number(user) !== 0 ? `uid${Number(user)}` : undefined;
  for (const [name, taken] of [
    [newUser, accounts],
    [newGroup, groups],
  ] as const)
    if (name !== undefined && taken.some((one) => one.name === name))
      return { ok: false, message: `the image has ${JSON.stringify(name)} with another number` };
  const gid = knownGroup?.id ?? Number(wanted);
  const groupPart = knownGroup?.name ?? newGroup;
  return {
    ok: true,
    user: `${newUser ?? user}${groupPart === undefined ? "" : `:${groupPart}`}`,
    accounts: {
      passwd: newUser === undefined ? [] : [`${newUser}:x:${Number(user)}:${gid}::/:/bin/sh`],
      group: newGroup === undefined ? [] : [`${newGroup}:x:${gid}:`],
    },
  };
}

function find(accounts: readonly Account[], word: string): Account | undefined {
  return (
    accounts.find((one) => one.name === word) ??
    (isId(word) ? accounts.find((one) => one.id === Number(word)) : undefined)
  );
}

function isId(text: string): boolean {
  return /^\d{1,10}$/.test(text) && Number(text) <= MAX_ID;
}

function groupName(gid: string): string {
  return Number(gid) === 0 ? "root" : `gid${Number(gid)}`;
}

function noNumber(kind: string, word: string): string {
  return /^\d+$/.test(word)
    ? `${kind} ${word} is larger than ${MAX_ID}`
    : `the image has no ${kind} ${JSON.stringify(word)}, and only numbers can be added`;
}
