import { AgentError } from "../errors/agent-error.ts";
import type { ValidationFailure } from "../vmadm/client.ts";
import type { PreparedZone } from "../zoneinit/prepared.ts";

/** What vmadm refuses of a payload, each property with the line of the document it came from. */
export function refusedPayload(
  what: string,
  failure: ValidationFailure,
  origins: PreparedZone["origins"],
  hint: string,
): AgentError {
  const list = (sentence: string, names: readonly string[]): string[] =>
    names.map((name) => `${sentence} ${name}${origin(name, origins)}`);
  const parts = [
    ...(failure.badBrand === undefined ? [] : [`unknown brand "${failure.badBrand}"`]),
    ...list("bad value of", failure.badValues),
    ...list("unknown property", failure.badProperties),
    ...list("missing", failure.missingProperties),
  ];
  return new AgentError("PAYLOAD_INVALID", `${what}: vmadm refuses the manifest: ${parts.join("; ")}`, {
    hint,
    details: { ...failure },
  });
}

/** vmadm names what is inside of lists by `nics.0.ip` or `nics[0].ip`: the list as a whole has an origin. */
function origin(name: string, origins: PreparedZone["origins"]): string {
  const row = origins.find((one) => one.path === name) ?? origins.find((one) => one.path === /^\w+/.exec(name)?.[0]);
  return row === undefined || row.why === "" ? "" : ` (${row.from}: ${row.why})`;
}
