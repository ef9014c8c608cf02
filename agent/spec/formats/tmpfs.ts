// Options of a tmpfs mount, as mount(8) has them.
import { parseByteSize } from "../../util/units.ts";
import type { NeutralMount } from "../neutral.ts";
import type { SpecPath } from "../problem.ts";
import type { Report } from "./format.ts";

type TmpfsOptions = Pick<NeutralMount, "readOnly" | "sizeBytes" | "mode" | "uid" | "gid">;

/** What a zone can do about the options; the other ones (`nosuid`, `noexec` …) it fixes itself. */
export function readTmpfsOptions(options: readonly string[], path: SpecPath, report: Report): TmpfsOptions {
  const values = new Map(options.map((option) => splitOption(option.trim())));
  const size = values.get("size");
  const sizeBytes = size === undefined || !/^\d+[kmg]?$/i.test(size) ? undefined : parseByteSize(size);
  if (size?.endsWith("%") === true)
    report.refuse(path, `size=${size}: a share of the memory cannot be had; write the size, such as size=64m`);
  else if (size !== undefined && sizeBytes === undefined)
    report.complain(path, `size=${size}: is not a size; write e.g. size=64m`);
  const mode = values.get("mode");
  if (mode !== undefined && !/^[0-7]{1,5}$/.test(mode)) report.complain(path, `mode=${mode}: must be octal digits`);
  const number = (name: "uid" | "gid"): { uid?: number; gid?: number } => {
    const value = values.get(name);
    return value !== undefined && /^\d{1,10}$/.test(value) ? { [name]: Number(value) } : {};
  };
  return {
    readOnly: values.has("ro"),
    ...(sizeBytes === undefined ? {} : { sizeBytes }),
    ...(mode === undefined ? {} : { mode: mode.padStart(4, "0") }),
    ...number("uid"),
    ...number("gid"),
  };
}

function splitOption(option: string): [string, string] {
  const at = option.indexOf("=");
  return at === -1 ? [option, ""] : [option.slice(0, at), option.slice(at + 1)];
}
