// How gtar 1.23 makes member names harmless (names.c, safer_name_suffix): everything up to the last `..` and leading
// slashes go, with one warning per kind of prefix.

export interface MemberName {
  readonly name: string;
  readonly warning?: string;
}

export function saferName(raw: string, kind: "member names" | "hard link targets"): MemberName {
  let prefix = 0;
  let at = 0;
  for (const part of raw.split("/")) {
    if (part === "..") prefix = at + 2;
    at += part.length + 1;
  }
  while (raw.charAt(prefix) === "/") prefix++;
  const name = raw.slice(prefix).replace(/\/+$/, "");
  if (prefix > 0) {
    const warning = `Removing leading \`${raw.slice(0, prefix)}' from ${kind}`;
    return { name: name === "" ? "." : name, warning };
  }
  if (name !== "") return { name };
  return { name: ".", warning: `Substituting \`.' for empty ${kind.slice(0, -1)}` };
}

/** Links gtar 1.23 makes only at the very end, with an empty file in their place until then (extract.c). */
export function isDelayedLink(target: string): boolean {
  return target.startsWith("/") || target.split("/").includes("..");
}

/** Keywords of extended headers gtar 1.23 knows (xheader.c); about any other it prints a line. */
export function isKnownKeyword(keyword: string): boolean {
  return (
    keyword.startsWith("GNU.sparse.") ||
    keyword.startsWith("GNU.volume.") ||
    keyword === "GNU.dumpdir" ||
    [
      "atime",
      "comment",
      "charset",
      "ctime",
      "gid",
      "gname",
      "linkpath",
      "mtime",
      "path",
      "size",
      "uid",
      "uname",
    ].includes(keyword)
  );
}
