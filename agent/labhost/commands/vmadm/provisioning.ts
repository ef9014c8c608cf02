// Waiting for a new zone to become ready (vmadm.md 10).
import { isProvisioning, PROVISIONING_FILE, zoneFiles } from "../../provisioning-file.ts";
import { changeZoneConfig } from "../../zone-store.ts";
import { without } from "../../vm/json-text.ts";
import { VmError } from "../../vm/vm-error.ts";
import type { VmHost } from "./host.ts";
import { waitUntil } from "./waiting.ts";

const TIMEOUT_MS = 300_000;
const SHORTEST_MS = 1000;

/** LABHOST_PROVISION_TIMEOUT_MS shortens the platform's 300 s for tests. */
export function provisioningDeadlineMs(env: NodeJS.ProcessEnv): number {
  return Number(env["LABHOST_PROVISION_TIMEOUT_MS"] ?? TIMEOUT_MS);
}

/** Waits until the file is renamed or removed; at `deadline` the zone becomes `failed` and is halted. */
export async function awaitProvisioning(host: VmHost, uuid: string, deadline: number): Promise<void> {
  const files = zoneFiles(host.lab, `/zones/${uuid}`);
  const left = Math.max(SHORTEST_MS, deadline - Date.now());
  if (await waitUntil(() => !isProvisioning(files), left)) return;
  await changeZoneConfig(host.lab, uuid, (config) => ({
    ...without(config, "transition"),
    failed: "provisioning",
    properties: { ...config.properties, autoboot: false },
  }));
  await host.zones.halt(host.lab, uuid);
  throw new VmError(`timed out waiting for ${PROVISIONING_FILE} to move for ${uuid}`);
}
