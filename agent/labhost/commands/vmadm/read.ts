// get and lookup (vmadm.md 3.3, 3.5).
import type { Payload } from "../../vm/json-text.ts";
import { matchesAll, parseFilters } from "../../vm/filters.ts";
import { withSynthetic } from "../../vm/synthetic.ts";
import { VmError } from "../../vm/vm-error.ts";
import { allVms, getVm, type Outcome, type VmHost } from "./host.ts";
import { parseArguments, uuidArgument } from "./options.ts";

export async function get(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { words } = parseArguments(args, {});
  const uuid = uuidArgument(words, "get");
  const vm = await getVm(host, uuid);
  if (!vm) throw new VmError(`zoneadm: ${uuid}: No such zone configured`);
  return { stdout: `${JSON.stringify(vm, null, 2)}\n` };
}

export async function lookup(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { options, words } = parseArguments(args, {
    json: { kind: "flag", short: "j" },
    unique: { kind: "flag", short: "1" },
    order: { kind: "text", short: "o" },
  });
  if (options["order"] !== undefined && options["json"] !== true) throw new VmError("Cannot specify -o without -j");
  const filters = parseFilters(words, "lookup");
  const found = (await allVms(host)).map(withSynthetic).filter((vm) => matchesAll(vm, filters));
  if (options["unique"] === true && found.length !== 1)
    throw new VmError(`Requested unique lookup but found ${found.length} results.`);
  if (options["json"] !== true) return { stdout: found.map((vm) => `${String(vm["uuid"])}\n`).join("") };
  const order = options["order"];
  const shown = typeof order === "string" ? reduced(found, order.split(",")) : found;
  return { stdout: `${JSON.stringify(shown, null, 2)}\n` };
}

/** Objects cut down to some keys; those left empty are gone. */
function reduced(vms: readonly Payload[], keys: readonly string[]): Payload[] {
  return vms
    .map((vm) => Object.fromEntries(keys.filter((key) => vm[key] !== undefined).map((key) => [key, vm[key]])))
    .filter((vm) => Object.keys(vm).length > 0);
}
