// Every place where misbehaviour can be ordered. README.md explains them; a test holds this list, the README and the code
// together.

/** `begin` and `end` of these are hit whatever they do. */
const VMADM = [
  ...["create", "get", "list", "lookup", "start", "stop", "delete", "validate", "reboot", "kill", "update", "events"],
  ...["create-snapshot", "delete-snapshot", "rollback-snapshot", "reprovision", "info", "sysrq", "console"],
  ...["send", "receive", "install"],
];

const ZFS = [
  ...["create", "destroy", "snapshot", "snap", "rollback", "clone", "rename", "list", "set", "get", "inherit"],
  ...["mount", "unmount", "umount"],
];

export const FAILPOINTS: ReadonlySet<string> = new Set([
  ...VMADM.flatMap((name) => [`vmadm.${name}.begin`, `vmadm.${name}.end`]),
  ...["create.parsed", "create.validated", "create.configured", "create.installed", "create.finalized"].map(vmadm),
  ...["start.booting", "start.booted", "stop.signalling", "stop.halting", "stop.halted", "reboot.stopped"].map(vmadm),
  ...["kill.signalling", "update.parsed", "update.planned", "update.applied"].map(vmadm),
  ...["delete.halted", "delete.uninstalled", "reprovision.halted", "reprovision.replaced"].map(vmadm),
  ...["create-snapshot.snapshotting", "delete-snapshot.destroying"].map(vmadm),
  ...["rollback-snapshot.halted", "rollback-snapshot.rolled-back"].map(vmadm),
  ...["install.begin", "install.json", "install.untar", "install.whiteouts"].map(imgadm),
  ...["install.snapshot", "install.rename", "install.end"].map(imgadm),
  ...["list.begin", "list.end", "get.begin", "get.end"].map(imgadm),
  ...["delete.begin", "delete.destroy", "delete.json", "delete.end"].map(imgadm),
  ...ZFS.map((name) => `zfs.${name}.begin`),
  ...["list", "status"].map((name) => `zpool.${name}.begin`),
  ...["begin", "mounts", "network", "exec"].map((place) => `zoneadm.boot.${place}`),
  ...["begin", "end"].map((place) => `zoneadm.halt.${place}`),
]);

function vmadm(place: string): string {
  return `vmadm.${place}`;
}

function imgadm(place: string): string {
  return `imgadm.${place}`;
}
