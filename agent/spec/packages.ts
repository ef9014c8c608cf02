// Resource profiles: which one a word names (sdc-docker.md 10.1), in the words of Triton's package service.
import { suggest } from "../util/suggest.ts";

/** A package of the node's configuration: memory, swap and quota in MiB, cpu_cap in percent of a CPU. */
export interface Package {
  readonly uuid: string;
  readonly name: string;
  readonly active: boolean;
  readonly max_physical_memory: number;
  /** Memory plus swap. */
  readonly max_swap: number;
  /** 0 is unlimited. */
  readonly quota: number;
  readonly max_lwps?: number | undefined;
  readonly cpu_cap?: number | undefined;
  /** CPU shares of the zone; a number, or its text. */
  readonly fss?: number | string | undefined;
  readonly zfs_io_priority?: number | undefined;
}

/** The label that names a package wherever a format has labels. It never becomes a tag. */
export const PACKAGE_LABEL = "com.joyent.package";

export type PackageChoice<T> =
  { readonly ok: true; readonly package: T } | { readonly ok: false; readonly message: string };

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SHORT_UUID = /^[0-9a-f]{8}$/;

/**
 * The package a word names: a whole uuid is only that; eight hex digits are a name or else the beginning of a uuid;
 * anything else is a name. Inactive packages cannot be chosen.
 */
export function choosePackage<T extends Package>(packages: readonly T[], word: string): PackageChoice<T> {
  const byName = packages.filter((one) => one.name === word);
  const byUuid = packages.filter((one) =>
    UUID.test(word) ? one.uuid === word : SHORT_UUID.test(word) && one.uuid.startsWith(`${word}-`),
  );
  const named = UUID.test(word) ? [] : byName;
  const found = named.length > 0 ? named : byUuid;
  const active = found.filter((one) => one.active);
  const [only, ...others] = active;
  if (only !== undefined && others.length === 0) return { ok: true, package: only };
  const told = JSON.stringify(word);
  if (others.length > 0)
    return { ok: false, message: `${told} names ${active.length} packages: ${active.map(titled).join(", ")}` };
  const usable = packages.filter((one) => one.active);
  const choice =
    usable.length === 0
      ? "the configuration has none (packages)"
      : `use one of ${usable.slice(0, MAX_LISTED).map(titled).join(", ")}${usable.length > MAX_LISTED ? ", …" : ""}`;
  if (found.length > 0) return { ok: false, message: `the package ${told} is not active; ${choice}` };
  const near = suggest(
    word,
    usable.map((one) => one.name),
  );
  const meant = near === undefined ? "" : ` (did you mean "${near}"?)`;
  return { ok: false, message: `there is no package ${told}${meant}; ${choice}` };
}

const MAX_LISTED = 20;

function titled(one: Package): string {
  return `${one.name} (${one.uuid.slice(0, 8)})`;
}

/** Whole zone shares of a package; undefined where it says none, or nothing that is a number. */
export function packageShares(one: Package): number | undefined {
  const shares = one.fss === undefined || one.fss === "" ? NaN : Math.floor(Number(one.fss));
  return Number.isSafeInteger(shares) && shares > 0 ? shares : undefined;
}
