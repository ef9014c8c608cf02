// Whether dockerinit will run a container as the user that was asked for.
//
// It drops privileges only for users it finds in the zone's own passwd file: a numeric uid that is not listed runs as
// root, silently (dockerinit.md 4.3). So the question is answered before a zone exists.

import { addAccounts, type AccountLines } from "./added-accounts.ts";

/** Texts of the image's files; empty text for a missing file, undefined where they could not be read. */
export interface ImageFiles {
  readonly passwd?: string | undefined;
  readonly group?: string | undefined;
}

export type UserVerdict =
  | { readonly ok: true; readonly user: string; readonly warning?: string; readonly accounts?: AccountLines }
  | { readonly ok: false; readonly message: string; readonly hint: string };

interface Account {
  readonly name: string;
  readonly id: number;
  readonly gid: number;
}

/** Whether an accepted user runs as uid 0. */
export function isRoot(accepted: string, files: ImageFiles): boolean {
  const [name = ""] = accepted.split(":");
  if (name === "" || Number(name) === 0) return true;
  return (files.passwd ?? "").split("\n").some((line) => {
    const [account, , uid] = line.split(":");
    return account === name && Number(uid) === 0;
  });
}

/**
 * Judges a user of Docker's form (`user`, `uid`, `user:group`, `uid:gid`, `:group`). The accepted text is what
 * `docker:user` must hold; empty means root.
 */
export function checkUser(
  text: string,
  files: ImageFiles,
  { add }: { readonly add: boolean } = { add: false },
): UserVerdict {
  const user = text.startsWith(":") ? `0${text}` : text;
  if (user === "" || user === "0" || user === "root") return { ok: true, user };
  const [name = "", group, ...rest] = user.split(":");
  if (rest.length > 0 || group === "")
    return refuse(`${JSON.stringify(text)} is not a user`, "write user, uid, user:group or uid:gid");
  if (files.passwd === undefined || (group !== undefined && files.group === undefined))
    return { ok: true, user, warning: "could not be checked: the image's passwd and group files could not be read" };

  const accounts = parseAccounts(files.passwd);
  const groups = parseAccounts(files.group ?? "");
  if (add) {
    const added = addAccounts(name, group, accounts, groups);
    if (!added.ok) return refuse(added.message, `use one it has${some(accounts)}`);
    if (added.accounts.passwd.length + added.accounts.group.length > 0) return added;
  }
  const account = accounts.find((a) => a.name === name) ?? accounts.find((a) => String(a.id) === name);
  if (account === undefined && name !== "0")
    return /^\d+$/.test(name)
      ? refuse(
          `the image's passwd file has no uid ${name}, and the platform would run the container as root instead`,
          `have it added to the zone (--add-user, or "addUser: true" in a container spec), or use one the image has${some(accounts)}`,
        )
      : refuse(`the image has no user ${JSON.stringify(name)}`, `use one it has${some(accounts)}`);

  if (group !== undefined && group !== "0" && !groups.some((g) => g.name === group || String(g.id) === group))
    return refuse(
      `the image's group file has no group ${JSON.stringify(group)}, and the platform would not drop root's groups`,
      /^\d+$/.test(group)
        ? `have it added to the zone (--add-user, or "addUser: true" in a container spec), or use one the image has${some(groups)}`
        : `add it to the image, or use one it has${some(groups)}`,
    );
  if (
    group === undefined &&
    account !== undefined &&
    files.group !== undefined &&
    !groups.some((g) => g.id === account.gid)
  )
    return {
      ok: true,
      user,
      warning: `has the primary group ${account.gid}, which the image's group file lacks: the process keeps root's groups`,
    };
  return { ok: true, user };
}

/** Lines of passwd (`name:x:uid:gid:…`) or group (`name:x:gid:…`) files; what does not look like one is skipped. */
function parseAccounts(text: string): Account[] {
  return text.split("\n").flatMap((line) => {
    const [name = "", , id = "", gid = ""] = line.split(":");
    return name !== "" && /^\d+$/.test(id) ? [{ name, id: Number(id), gid: Number(gid) }] : [];
  });
}

function some(accounts: readonly Account[]): string {
  const names = accounts.slice(0, 8).map((a) => a.name);
  return names.length === 0 ? "" : `: ${names.join(", ")}${accounts.length > names.length ? ", …" : ""}`;
}

function refuse(message: string, hint: string): UserVerdict {
  return { ok: false, message, hint };
}
