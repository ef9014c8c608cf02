// Complaints of vmadm about a payload, told with the lines of the document they go back to.
import { AgentError } from "../errors/agent-error.ts";
import { formatProblem } from "../spec/problem.ts";
import type { ValidationFailure } from "../vmadm/client.ts";
import type { PreparedZone, ValueOrigin } from "../zoneinit/prepared.ts";

type Origins = PreparedZone["origins"];

/** What `vmadm validate` refuses, each property with the line of the document it came from. */
export function refusedPayload(what: string, failure: ValidationFailure, origins: Origins, hint: string): AgentError {
  const list = (sentence: string, names: readonly string[]): string[] =>
    names.map((name) => complaint(`${sentence} ${name}`, originOf(name, origins)));
  const parts = [
    ...(failure.badBrand === undefined
      ? []
      : [complaint(`unknown brand "${failure.badBrand}"`, originOf("brand", origins))]),
    ...list("bad value of", failure.badValues),
    ...list("unknown property", failure.badProperties),
    ...list("missing", failure.missingProperties),
  ];
  return new AgentError("PAYLOAD_INVALID", `${what}: vmadm refuses the manifest:\n${parts.join("\n")}`, {
    hint,
    details: { ...failure },
  });
}

/** The lines that asked for what `vmadm create` failed on; empty where its complaint is not about a property. */
export function blamedLines(failure: AgentError, origins: Origins): string[] {
  const places = propertiesOf(failure).flatMap((name) => originOf(name, origins)?.place ?? []);
  return places.map((place) => formatProblem({ ...place, message: "this asks for it" }));
}

function propertiesOf({ code, details }: AgentError): string[] {
  switch (code) {
    case "NIC_TAG_MISSING":
    case "ADDRESS_CONFLICT":
      return ["nics"];
    case "IMAGE_NOT_INSTALLED":
      return ["image_uuid"];
    case "PAYLOAD_INVALID": {
      const { badValues } = details;
      return Array.isArray(badValues) ? badValues.map(String) : [];
    }
    default:
      return [];
  }
}

function complaint(sentence: string, origin: ValueOrigin | undefined): string {
  if (origin?.place !== undefined) return formatProblem({ ...origin.place, message: sentence });
  return origin === undefined || origin.why === "" ? sentence : `${sentence} (${origin.from}: ${origin.why})`;
}

/** vmadm names what is inside of lists by `nics.0.ip` or `nics[0].ip`: the list as a whole has an origin. */
function originOf(name: string, origins: Origins): ValueOrigin | undefined {
  return origins.find((one) => one.path === name) ?? origins.find((one) => one.path === /^\w+/.exec(name)?.[0]);
}
