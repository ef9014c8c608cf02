// What the node says of itself: `sysinfo` prints one JSON object (amqp-head-node.md 13).
import { z } from "zod";
import { AgentError } from "../errors/agent-error.ts";
import type { Host } from "./host.ts";

const sysinfoSchema = z.looseObject({
  /** Stamp of the platform image, e.g. 20260115T000000Z. */
  "Live Image": z.string().optional(),
  UUID: z.string().optional(),
  Hostname: z.string().optional(),
  /** Seconds since 1970, as text. */
  "Boot Time": z.coerce.string().optional(),
  "Datacenter Name": z.string().optional(),
});
export type Sysinfo = z.output<typeof sysinfoSchema>;

const DEADLINE_MS = 60_000;

/** @throws AgentError HOST_OUTPUT_INVALID where it prints something else; CommandError where it fails */
export async function readSysinfo(
  host: Host,
  options: { readonly signal?: AbortSignal | undefined } = {},
): Promise<Sysinfo> {
  const { stdout } = await host.run("sysinfo", {
    args: [],
    timeoutMs: DEADLINE_MS,
    mutates: false,
    signal: options.signal,
  });
  try {
    return sysinfoSchema.parse(JSON.parse(stdout));
  } catch (error) {
    throw new AgentError("HOST_OUTPUT_INVALID", "sysinfo printed something that is not the node's description", {
      cause: error,
    });
  }
}
