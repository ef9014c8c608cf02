// Binds, mounts, tmpfs and anonymous volumes of a create request (container-specs.md 3).
import type { NeutralMount } from "../../neutral.ts";
import type { SpecPath } from "../../problem.ts";
import type { Report } from "../format.ts";
import { readTmpfsOptions } from "../tmpfs.ts";
import type { CreateBody, DockerHostConfig, DockerMount } from "./body.ts";

const VOLUME_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/;
const PROPAGATION = new Set(["shared", "rshared", "slave", "rslave", "private", "rprivate", "z", "Z"]);

export interface PlacedMount {
  readonly mount: NeutralMount;
  readonly path: SpecPath;
}

/** All mounts, each with its place. An anonymous volume gives way to another mount at its target. */
export function readMounts(
  volumes: CreateBody["Volumes"],
  { Binds, Mounts, Tmpfs }: Pick<DockerHostConfig, "Binds" | "Mounts" | "Tmpfs">,
  report: Report,
): PlacedMount[] {
  const taken = new Set<string>();
  const place = (mount: NeutralMount | undefined, path: SpecPath): PlacedMount[] => {
    if (mount === undefined) return [];
    const target = clean(mount.target);
    if (target === "/") report.complain(path, "the target must not be the root directory");
    if (taken.has(target)) report.complain(path, `a second mount at ${JSON.stringify(target)}`);
    taken.add(target);
    return [{ mount, path }];
  };
  const placed = [
    ...Binds.flatMap((bind, i) => {
      const path = ["HostConfig", "Binds", i];
      return place(readBind(bind, path, report), path);
    }),
    ...Mounts.flatMap((mount, i) => {
      const path = ["HostConfig", "Mounts", i];
      return place(readMount(mount, path, report), path);
    }),
    ...Object.entries(Tmpfs).flatMap(([target, options]) => {
      const path = ["HostConfig", "Tmpfs", target];
      return place(readTmpfs(target, options, path, report), path);
    }),
  ];
  const anonymous = Object.keys(volumes).flatMap((target) => {
    const path = ["Volumes", target];
    if (!isAbsolute(target, path, report) || taken.has(clean(target))) return [];
    return place({ type: "volume", source: null, target, readOnly: false }, path);
  });
  return [...placed, ...anonymous];
}

/** `source:target[:options]`; a target alone is an anonymous volume. */
function readBind(text: string, path: SpecPath, report: Report): NeutralMount | undefined {
  const [first = "", second, options, ...rest] = text.split(":");
  if (rest.length > 0) {
    report.complain(path, `${JSON.stringify(text)} has too many colons; write SOURCE:TARGET[:OPTIONS]`);
    return undefined;
  }
  if (second === undefined)
    return isAbsolute(first, path, report)
      ? { type: "volume", source: null, target: first, readOnly: false }
      : undefined;
  if (!isAbsolute(second, path, report)) return undefined;
  const words = (options ?? "").split(",").filter((word) => word !== "");
  for (const word of words)
    if (PROPAGATION.has(word)) report.warn(path, `${word}: mounts do not spread and are not labelled in a zone`);
    else if (!["ro", "rw", "nocopy"].includes(word))
      report.complain(path, `${JSON.stringify(word)} is not an option; use ro or rw`);
  if (words.includes("ro") && words.includes("rw")) report.complain(path, "cannot be both ro and rw");
  const type = first.startsWith("/") ? "bind" : "volume";
  if (type === "volume" && !VOLUME_NAME.test(first))
    report.complain(path, `${JSON.stringify(first)} is neither an absolute path nor the name of a volume`);
  return { type, source: first, target: second, readOnly: words.includes("ro") };
}

function readMount(mount: DockerMount, path: SpecPath, report: Report): NeutralMount | undefined {
  const { Type: type, Source: source, Target: target, ReadOnly: readOnly } = mount;
  switch (type) {
    case "bind":
      if (source === undefined || !source.startsWith("/"))
        report.complain([...path, "Source"], "must be an absolute path for a mount of type bind");
      return { type, source: source ?? null, target, readOnly };
    case "volume": {
      if (source !== undefined && !VOLUME_NAME.test(source))
        report.complain([...path, "Source"], `${JSON.stringify(source)} is not the name of a volume`);
      const subpath = mount.VolumeOptions?.Subpath;
      return { type, source: source ?? null, target, readOnly, ...(subpath === undefined ? {} : { subpath }) };
    }
    case "tmpfs": {
      if (source !== undefined) report.complain([...path, "Source"], "must be left out for a mount of type tmpfs");
      const { SizeBytes: sizeBytes, Mode: mode } = mount.TmpfsOptions ?? {};
      return {
        type,
        source: null,
        target,
        readOnly,
        ...(sizeBytes === undefined ? {} : { sizeBytes }),
        ...(mode === undefined ? {} : { mode: mode.toString(8).padStart(4, "0") }),
      };
    }
    case "image":
    case "npipe":
    case "cluster":
      report.refuse([...path, "Type"], `${type} has no equivalent; use bind, volume or tmpfs`);
      return undefined;
  }
}

function readTmpfs(target: string, options: string, path: SpecPath, report: Report): NeutralMount | undefined {
  if (!isAbsolute(target, path, report)) return undefined;
  return { type: "tmpfs", source: null, target, ...readTmpfsOptions(options.split(","), path, report) };
}

function isAbsolute(target: string, path: SpecPath, report: Report): boolean {
  if (target.startsWith("/")) return true;
  report.complain(path, `the target ${JSON.stringify(target)} must be an absolute path`);
  return false;
}

function clean(target: string): string {
  return target.replace(/\/{2,}/g, "/").replace(/(?<=.)\/$/, "");
}
