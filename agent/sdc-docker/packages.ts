// Choice of a package by label or by memory (sdc-docker.md 10.1).
import { refusal } from "../docker-view/refusal.ts";
import { PACKAGE_LABEL } from "../spec/packages.ts";
import { MIB } from "../util/units.ts";
import type { VmPackage } from "../zoneinit/vm-service.ts";
import { failed } from "./refuse.ts";

export interface SdcPackage extends VmPackage {
  readonly uuid: string;
  readonly name: string;
  readonly active: boolean;
  /** Absent: every account. */
  readonly owner_uuids?: readonly string[] | undefined;
}

export interface PackageRequest {
  /** Value of the label. */
  readonly label: string | undefined;
  /** Bytes. */
  readonly memory: number | undefined;
  readonly account: string;
  readonly prefix: string;
  readonly defaultMemoryMiB: number;
}

const NAME = /^[a-zA-Z0-9]([a-zA-Z0-9_\-.]+)?[a-zA-Z0-9]$/;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const SHORT_UUID = /^[0-9a-f]{8}$/;

/** The package, and the filter a package service is asked with. */
export function choosePackage<T extends SdcPackage>(
  packages: readonly T[],
  request: PackageRequest,
): { readonly chosen: T; readonly filter: string } {
  const { label, account, prefix } = request;
  const seen = packages.filter(
    (one) => one.active && (one.owner_uuids === undefined || one.owner_uuids.includes(account)),
  );
  const filter = (wanted: string): string => `(&(active=true)(|(owner_uuids=${account})(!(owner_uuids=*)))${wanted})`;
  if (label !== undefined) {
    const chosen = labelled(seen, label);
    const wanted = UUID.test(label)
      ? `(uuid=${label})`
      : SHORT_UUID.test(label)
        ? `(|(name=${label})(uuid=${label}-*))`
        : `(name=${label})`;
    return { chosen, filter: filter(wanted) };
  }
  const bytes = request.memory ?? request.defaultMemoryMiB * MIB;
  const named = seen.filter((one) => one.name.startsWith(prefix));
  if (named.length === 0) throw noneAtAll();
  const [smallest] = named
    .filter((one) => one.max_physical_memory >= bytes / MIB)
    .toSorted((a, b) => a.max_physical_memory - b.max_physical_memory);
  if (smallest === undefined) throw noneFits(`memory=${inUnits(bytes)}`);
  return { chosen: smallest, filter: filter(`(name=${prefix}*)`) };
}

function labelled<T extends SdcPackage>(packages: readonly T[], label: string): T {
  if (!NAME.test(label) || /[_.-]{2}/.test(label))
    throw failed("SPEC_INVALID", `invalid value for ${PACKAGE_LABEL}: ${label}`);
  const byName = UUID.test(label) ? [] : packages.filter((one) => one.name === label);
  const byUuid = packages.filter((one) =>
    UUID.test(label) ? one.uuid === label : SHORT_UUID.test(label) && one.uuid.startsWith(`${label}-`),
  );
  const [chosen, ...others] = byName.length > 0 ? byName : byUuid;
  if (chosen === undefined) throw noneAtAll();
  if (others.length > 0) throw noneFits(`${PACKAGE_LABEL}=${label}`);
  return chosen;
}

function noneAtAll() {
  return failed("PACKAGE_NOT_FOUND", "no packages match parameters");
}

function noneFits(constraint: string) {
  return refusal("PACKAGE_NOT_FOUND", `no package supports the given container constraints: ${constraint}`, {
    status: 422,
    code: "NoSufficientPackage",
  });
}

/** Whole `b k m g t`, the largest unit there is one of. */
function inUnits(bytes: number): string {
  const units = ["b", "k", "m", "g", "t"];
  let power = 0;
  while (power < units.length - 1 && bytes >= 1024 ** (power + 1)) power++;
  return `${Math.trunc(bytes / 1024 ** power)}${units[power] ?? ""}`;
}
