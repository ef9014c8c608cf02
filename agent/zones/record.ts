// What we remember of a container: an intent, written before the platform is touched and settled after it. The platform
// is the truth about zones; a record only tells what was being done when its writer died.
import { z } from "zod";
import { zoneUuid } from "../vmadm/schema.ts";
import { isContainerName, type ContainerName } from "../util/ids.ts";

const processIdentity = z.object({ pid: z.int().positive(), start: z.string().optional() });

/**
 * ```
 *   creating ──create──▶ created ──start──▶ started
 *      │                    │                  │
 *      └──── undo ──▶ (no record) ◀── removing ┘
 * ```
 * `creating`: vmadm create may or may not have happened. `created`: the zone is whole, never started by us.
 * `started`: settled. `removing`: vmadm delete may or may not have happened.
 */
export const zoneRecordSchema = z.object({
  version: z.literal(1),
  uuid: zoneUuid,
  name: z.string().refine((text): text is ContainerName => isContainerName(text), "not a container name"),
  /** The name before the last rename: the same rename again is no error. */
  renamedFrom: z.string().optional(),
  phase: z.enum(["creating", "created", "started", "removing"]),
  /** Digest of what was asked for: the same request again may take up where a killed one stopped. */
  request: z.string(),
  /** Should it run (`run`, `start`) or only exist (`create`)? */
  want: z.enum(["running", "stopped"]),
  /** Somebody watches it in the foreground; if that process dies, the same request may watch again. */
  attached: z.boolean(),
  autoRemove: z.boolean(),
  image: z.string(),
  /** Group of the container. */
  group: z.string().optional(),
  createdAt: z.string(),
  /** When we ended its run by SIGKILL, which the platform may show as 0; cleared by the next start. */
  killed: z.object({ from: z.string(), until: z.string().optional() }).optional(),
  /** Child that was changing the zone when the record was last written. */
  child: processIdentity.optional(),
});
export type ZoneRecord = z.output<typeof zoneRecordSchema>;
