// validate (vmadm.md 3.2): no defaults, no docker implications, no look at other zones.
import { parsePayload, textOf, type Payload } from "../../vm/json-text.ts";
import { validatePayload } from "../../vm/validate.ts";
import { UsageError, VmError } from "../../vm/vm-error.ts";
import { payloadWorld, type Outcome, type VmHost } from "./host.ts";
import { FILE_OPTION, parseArguments, payloadText } from "./options.ts";

export async function validate(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { options, words } = parseArguments(args, FILE_OPTION);
  const [action, ...brands] = words;
  if (action === undefined) throw new UsageError("Will not validate without a valid action.");
  if (action === "update" && brands.length !== 1)
    throw new UsageError("Will not validate without a valid action and brand.");
  const tty = "Will not validate from stdin when stdin is a tty.";
  const payload = parsePayload(await payloadText(host, options["file"], tty));
  const brand = action === "update" ? (brands[0] ?? "") : brandText(payload);
  const result = validatePayload(payload, brand, action, await payloadWorld(host));
  if (!result) throw new VmError(JSON.stringify({ bad_brand: brand }, null, 2));
  const problems = result.bad_values.length + result.bad_properties.length + result.missing_properties.length;
  if (problems > 0) throw new VmError(JSON.stringify(result, null, 2));
  return { stderr: `VALID '${action}' payload for ${brand} brand VMs.` };
}

function brandText(payload: Payload): string {
  return textOf(payload["brand"]);
}
