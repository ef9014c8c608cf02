// info, sysrq, console (vmadm.md 3.15): of these only console does something for a container.
import { spawn } from "node:child_process";
import { UsageError, VmError } from "../../vm/vm-error.ts";
import { lookAt, type Outcome, type VmHost } from "./host.ts";
import { parseArguments, uuidArgument } from "./options.ts";

export function info(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { words } = parseArguments(args, {});
  const uuid = uuidArgument(words, "info");
  const prefix = `Unable to get VM info for VM ${uuid}: `;
  const vm = lookAt(host, uuid);
  if (!vm) throw new VmError(`${prefix}bad statusCode: 404`);
  const state = String(vm["state"]);
  if (state !== "running" && state !== "stopping")
    throw new VmError(`${prefix}Unable to get info for vm from state "${state}", must be "running" or "stopping".`);
  throw new VmError(`${prefix}no info types supported for brand ${String(vm["brand"])}`);
}

export function sysrq(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { words } = parseArguments(args, {});
  const uuid = uuidArgument(words, "sysrq");
  const type = words[1] ?? "";
  if (type !== "nmi" && type !== "screenshot") throw new UsageError(`Invalid sysrq type: ${type}`);
  if (!lookAt(host, uuid)) throw new VmError("bad statusCode: 404");
  throw new VmError('The sysrq command is only supported for VMs  with brand "bhyve" or "kvm".');
}

export async function console(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { words } = parseArguments(args, {});
  const uuid = uuidArgument(words, "console");
  const vm = lookAt(host, uuid);
  if (!vm) throw new VmError("bad statusCode: 404");
  const state = String(vm["state"]);
  if (state !== "running") throw new VmError(`cannot connect to console when state is "${state}" must be "running".`);
  const child = spawn(host.lab.path("/bin/zlogin"), ["-C", "-e", "\x1d", uuid], { stdio: "inherit" });
  const exit = await new Promise<number>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code ?? 1));
  });
  return { exit };
}
