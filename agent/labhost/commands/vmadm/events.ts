// events (vmadm.md 3.12, 12): endless; ends by a signal, or with exit status 0 when nobody reads any more.
import { randomUUID } from "node:crypto";
import { eventLines, type VmEvent } from "../../vm/event-text.ts";
import { eventsBetween, type ZoneMap } from "../../vm/zone-events.ts";
import { UsageError, VmError } from "../../vm/vm-error.ts";
import { allVms, lookAt, type Outcome, type VmHost } from "./host.ts";
import { parseArguments, uuidArgument } from "./options.ts";
import { watchZones } from "./zone-watch.ts";

interface EventStyle {
  readonly json: boolean;
  readonly full: boolean;
}

export async function events(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { options, words } = parseArguments(args, {
    full: { kind: "flag", short: "f" },
    json: { kind: "flag", short: "j" },
    ready: { kind: "flag", short: "r" },
  });
  if (words.length > 1) throw new UsageError(`Unexpected args: ${JSON.stringify(words.slice(1))}`);
  const only = words.length === 0 ? undefined : uuidArgument(words, "events");
  if (only !== undefined && !lookAt(host, only)) throw new VmError(`VM ${only} not found`);
  const style = { json: options["json"] === true, full: options["full"] === true };
  const closed = new Promise<"closed">((resolve) => process.stdout.once("error", () => resolve("closed")));

  const watch = watchZones(host.lab);
  let known = await look(host);
  if (options["ready"] === true) {
    const vms = Object.fromEntries(known);
    print(host, { type: "ready", date: now(), uuid: randomUUID(), vms }, undefined, style);
  }
  for (;;) {
    if ((await Promise.race([watch.next(), closed])) === "closed") break;
    const found = await look(host);
    for (const event of eventsBetween(known, found, now()))
      if (only === undefined || event.uuid === only)
        print(host, event, aliasOf(found, event.uuid) ?? aliasOf(known, event.uuid), style);
    known = found;
  }
  watch.close();
  return {};
}

async function look(host: VmHost): Promise<ZoneMap> {
  return new Map((await allVms(host)).map((vm) => [vm.uuid, vm]));
}

function print(host: VmHost, event: VmEvent, alias: string | undefined, style: EventStyle): void {
  const lines = style.json ? [JSON.stringify(event)] : eventLines(event, alias, style.full);
  host.context.out(lines.map((line) => `${line}\n`).join(""));
}

function aliasOf(zones: ZoneMap, uuid: string): string | undefined {
  const alias = zones.get(uuid)?.["alias"];
  return typeof alias === "string" ? alias : undefined;
}

function now(): string {
  return new Date().toISOString();
}
