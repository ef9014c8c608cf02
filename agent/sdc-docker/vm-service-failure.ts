// What a client is told when the VM service refuses a payload (sdc-docker.md 20).
import { z } from "zod";
import { refusal } from "../docker-view/refusal.ts";
import type { AgentError } from "../errors/agent-error.ts";

const field = z.object({ field: z.string(), code: z.string(), message: z.string().optional() });

/** A failure of the service as its client library tells it. */
export const vmServiceErrorSchema = z.looseObject({
  restCode: z.string(),
  statusCode: z.number(),
  message: z.string(),
  body: z.looseObject({ errors: z.array(field).optional() }).optional(),
});
export type VmServiceError = z.output<typeof vmServiceErrorSchema>;

const CREATING = "problem creating container";

export function vmServiceFailure(error: VmServiceError): AgentError {
  const { restCode, statusCode: status, message } = error;
  const errors = error.body?.errors ?? [];
  switch (restCode) {
    case "ValidationFailed":
    case "NoAllocatableServersError": {
      const fields = errors.map((one) => `"${one.field}" (${one.code})${one.message === undefined ? "" : ` ${one.message}`}`); // prettier-ignore
      const told = fields.length === 0 ? message : `${message}: ${fields.join(", ")}`;
      return refusal("PAYLOAD_INVALID", `${CREATING}: ${told}`, { status, code: restCode });
    }
    case "VolumesNotReachable": {
      const reasons = errors.map((one) => one.message ?? one.code).join(", ");
      return refusal("PAYLOAD_INVALID", `Volumes not reachable from container: ${reasons}`, {
        status: 409,
        code: "VolumesNotReachableError",
      });
    }
    case "VolumeServerNoResourcesError":
      return refusal("PAYLOAD_INVALID", "No compute resources available on the host containing the mounted volume.", {
        status: 409,
        code: restCode,
      });
    default:
      return refusal("CREATE_FAILED", CREATING, { status });
  }
}
