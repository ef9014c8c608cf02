// What handlers work with: the agent's own services, with the children they start written into the task's record.
import type { Config } from "../../config/schema.ts";
import type { Host } from "../../host/host.ts";
import type { Imgadm } from "../../imgadm/client.ts";
import type { Images } from "../../imgadm/images.ts";
import type { Snapshots } from "../../snapshots/snapshots.ts";
import type { CallOptions, Vmadm } from "../../vmadm/client.ts";
import type { Containers } from "../../zones/containers.ts";
import type { TaskContext } from "../task.ts";

export interface TaskServices {
  readonly vmadm: Vmadm;
  readonly imgadm: Imgadm;
  readonly images: Images;
  readonly config: Config;
  readonly host: Host;
  /** The same services over another way to vmadm. */
  readonly over: (vmadm: Vmadm) => { readonly containers: Containers; readonly snapshots: Snapshots };
}

/** The services for one task. */
export function servicesOf(services: TaskServices, context: TaskContext) {
  const vmadm = recordingVmadm(services.vmadm, context);
  return { ...services, vmadm, ...services.over(vmadm) };
}

/** vmadm that names each child which changes something: whoever comes after our death waits for it. */
function recordingVmadm(vmadm: Vmadm, context: TaskContext): Vmadm {
  const named = <O extends CallOptions>(verb: string, zone: string, options: O | undefined): O | CallOptions => ({
    ...options,
    onSpawn: (pid: number) => {
      context.onSpawn(pid, ["vmadm", verb, zone]);
      options?.onSpawn?.(pid);
    },
  });
  return {
    ...vmadm,
    create: (manifest, o) => vmadm.create(manifest, named("create", manifest.uuid, o)),
    start: (zone, o) => vmadm.start(zone, named("start", zone, o)),
    stop: (zone, o) => vmadm.stop(zone, named("stop", zone, o)),
    reboot: (zone, o) => vmadm.reboot(zone, named("reboot", zone, o)),
    kill: (zone, name, o) => vmadm.kill(zone, name, named("kill", zone, o)),
    update: (zone, payload, o) => vmadm.update(zone, payload, named("update", zone, o)),
    delete: (zone, o) => vmadm.delete(zone, named("delete", zone, o)),
    createSnapshot: (zone, name, o) => vmadm.createSnapshot(zone, name, named("create-snapshot", zone, o)),
    deleteSnapshot: (zone, name, o) => vmadm.deleteSnapshot(zone, name, named("delete-snapshot", zone, o)),
    rollbackSnapshot: (zone, name, o) => vmadm.rollbackSnapshot(zone, name, named("rollback-snapshot", zone, o)),
    reprovision: (zone, image, o) => vmadm.reprovision(zone, image, named("reprovision", zone, o)),
  };
}
