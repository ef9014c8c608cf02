// Events as `vmadm events` prints them without -j (vmadm.md 12); pure.
import type { Change } from "./diff.ts";
import type { Payload } from "./json-text.ts";

export type VmEvent =
  | { readonly type: "ready"; readonly date: string; readonly uuid: string; readonly vms: Record<string, Payload> }
  | {
      readonly type: "create";
      readonly date: string;
      readonly zonename: string;
      readonly uuid: string;
      readonly vm: Payload;
    }
  | {
      readonly type: "modify";
      readonly date: string;
      readonly zonename: string;
      readonly uuid: string;
      readonly vm: Payload;
      readonly changes: readonly Change[];
    }
  | { readonly type: "delete"; readonly date: string; readonly zonename: string; readonly uuid: string };

const ALIAS_WIDTH = 30;

/** Lines without ends; `full`: whole timestamps and names. `alias`: the zone's last known one. */
export function eventLines(event: VmEvent, alias: string | undefined, full: boolean): string[] {
  const stamp = `[${full ? event.date : event.date.slice(11)}]`;
  if (event.type === "ready") return [full ? `${stamp} ready (uuid ${event.uuid})` : `${stamp} ready`];
  const name = full ? event.zonename : event.zonename.slice(0, 8);
  const head = `${stamp} ${name} ${aliasText(alias)} ${event.type}`;
  if (event.type !== "modify") return [head];
  return event.changes.map(
    (change) =>
      `${head}: ${change.prettyPath} ${change.action} :: ${valueText(change.oldValue)} -> ${valueText(change.newValue)}`,
  );
}

function aliasText(alias: string | undefined): string {
  if (alias === undefined || alias === "") return "-";
  return alias.length > ALIAS_WIDTH ? `${alias.slice(0, ALIAS_WIDTH - 3)}...` : alias;
}

function valueText(value: unknown): string {
  return value === undefined ? "undefined" : JSON.stringify(value);
}
