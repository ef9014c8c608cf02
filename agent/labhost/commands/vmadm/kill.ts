// kill (vmadm.md 3.9).
import { isUuid } from "../../../util/ids.ts";
import { parseSignal } from "../../vm/signals.ts";
import { UsageError, VmError } from "../../vm/vm-error.ts";
import { hit, initPid, lookAt, type Outcome, type VmHost } from "./host.ts";
import { parseArguments } from "./options.ts";

export async function kill(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { signal, uuid } = killArguments(args);
  const vm = lookAt(host, uuid);
  if (!vm) throw new VmError("bad statusCode: 404");
  const parsed = parseSignal(signal);
  if (parsed === undefined) throw new VmError(`Unknown signal "${signal}"`);
  const notRunning = new VmError(`Cannot find running init PID for VM ${uuid}`);
  if (initPid(host, uuid) === undefined) throw notRunning;
  await hit(host, "kill.signalling");
  if (parsed !== "test" && !(await host.zones.signal(host.lab, uuid, parsed))) throw notRunning;
  return { stderr: `Sent signal "${signal}" to init process for VM ${uuid}` };
}

/** `-NAME` and `-9` count only before the uuid; after it they are not looked at. */
function killArguments(args: readonly string[]): { signal: string; uuid: string } {
  const spec = { signal: { kind: "text", short: "s" } } as const;
  const first = args[0] ?? "";
  const dashed = /^-([A-Z0-9]+)$/.exec(first)?.[1];
  const rest = dashed === undefined ? args : args.slice(1);
  const { options, words } = parseArguments(
    rest.filter((word) => !/^-(\d+|[A-Z][A-Z0-9]+)$/.test(word)),
    spec,
  );
  const [uuid, ...extra] = words;
  if (uuid === undefined || !isUuid(uuid)) throw new UsageError("Invalid or missing argument UUID");
  if (extra.length === 1) throw new UsageError(`Unexpected args: ${JSON.stringify(extra)}`);
  if (extra.length > 1) throw new UsageError("Too many arguments.");
  const named = options["signal"];
  return { signal: dashed ?? (typeof named === "string" ? named : "SIGTERM"), uuid };
}
