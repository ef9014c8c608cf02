// The provisioning protocol (vmadm.md 10): a file in the zone that must go.
import { join } from "node:path";
import { changeZoneConfig } from "../../zone-store.ts";
import { without } from "../../vm/json-text.ts";
import { VmError } from "../../vm/vm-error.ts";
import { InRootError, ZoneFiles } from "../../runtime/in-root.ts";
import type { VmHost } from "./host.ts";
import { waitUntil } from "./waiting.ts";

export const PROVISIONING_FILE = "/var/svc/provisioning";
const TIMEOUT_MS = 300_000;
const SHORTEST_MS = 1000;

/** LABHOST_PROVISION_TIMEOUT_MS shortens the platform's 300 s for tests. */
export function provisioningDeadlineMs(env: NodeJS.ProcessEnv): number {
  return Number(env["LABHOST_PROVISION_TIMEOUT_MS"] ?? TIMEOUT_MS);
}

/** Waits until the file is renamed or removed; at `deadline` the zone becomes `failed` and is halted. */
export async function awaitProvisioning(host: VmHost, uuid: string, deadline: number): Promise<void> {
  const files = new ZoneFiles(join(host.lab.path(`/zones/${uuid}`), "root"), []);
  const left = Math.max(SHORTEST_MS, deadline - Date.now());
  if (await waitUntil(() => !exists(files), left)) return;
  await changeZoneConfig(host.lab, uuid, (config) => ({
    ...without(config, "transition"),
    failed: "provisioning",
    properties: { ...config.properties, autoboot: false },
  }));
  await host.zones.halt(host.lab, uuid);
  throw new VmError(`timed out waiting for ${PROVISIONING_FILE} to move for ${uuid}`);
}

function exists(files: ZoneFiles): boolean {
  try {
    return files.resolve(PROVISIONING_FILE, { followLast: false }).stats !== undefined;
  } catch (error) {
    if (error instanceof InRootError) return false;
    throw error;
  }
}
