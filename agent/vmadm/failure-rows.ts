// The one table of what vmadm's messages mean. Each row is proved by a case in test/fixtures/vmadm, taken from the reference.
import type { ErrorCode } from "../errors/codes.ts";
import type { Said } from "./output.ts";
import { PAYLOAD_COMPLAINTS } from "./payload-complaints.ts";

/** The command word, with `stop -F` apart because its messages mean something else. */
export type VmadmOperation =
  | "get"
  | "lookup"
  | "validate"
  | "create"
  | "start"
  | "stop"
  | "force-stop"
  | "reboot"
  | "kill"
  | "update"
  | "delete"
  | "create-snapshot"
  | "delete-snapshot"
  | "rollback-snapshot"
  | "reprovision"
  | "info"
  | "events";

export interface Meaning {
  readonly code: ErrorCode;
  /** The reason in our words, continuing `start zone U: …`. */
  readonly why: string;
  readonly hint?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

export interface Row {
  readonly name: string;
  /** Commands the row is for; every command when absent. */
  readonly of?: readonly VmadmOperation[];
  readonly match: RegExp;
  /** "done": what was asked for holds already. */
  readonly means: "done" | ((match: RegExpExecArray, said: Said) => Meaning);
}

const fixed = (code: ErrorCode, why: string, hint?: string) => (): Meaning => ({
  code,
  why,
  ...(hint === undefined ? {} : { hint }),
});

const payload = (match: RegExpExecArray): Meaning => ({ code: "PAYLOAD_INVALID", why: match[0] });

const list = (text: string | undefined): string[] => (text ?? "").split(",").map((item) => item.trim());

export const VMADM_ROWS: readonly Row[] = [
  {
    name: "not root",
    match: /^FATAL: cannot run because: you are not root\.$/,
    means: fixed("NOT_ROOT", "vmadm wants the root user", "run zonelet as root"),
  },
  {
    name: "not a global zone",
    match: /^FATAL: cannot run because: (this is not .*)\.$/,
    means: ([, what]) => ({ code: "HOST_UNSUPPORTED", why: what ?? "", hint: "zonelet runs in a SmartOS global zone" }),
  },

  // ---- no such zone, in its spellings (4.1) ----
  {
    name: "get of no zone",
    of: ["get"],
    match: /^zoneadm: \S+: No such zone configured$/,
    means: fixed("ZONE_NOT_FOUND", "no such zone"),
  },
  { name: "404", match: /^bad statusCode: 404$/, means: fixed("ZONE_NOT_FOUND", "no such zone") },
  { name: "not found", match: /^VM \S+ not found$/, means: fixed("ZONE_NOT_FOUND", "no such zone") },

  // ---- wrong state (4.2) ----
  { name: "already running", of: ["start"], match: /^VM \S+ is already 'running'$/, means: "done" },
  {
    name: "already not running",
    of: ["stop", "force-stop"],
    match: /^VM \S+ is already not 'running' \(currently: \S+\)$/,
    means: "done",
  },
  {
    name: "start from another state",
    of: ["start"],
    match: /^Cannot start vm from state "([^"]*)"/,
    means: ([, state]) => ({ code: "ZONE_STATE", why: `it is ${state ?? "?"}, not stopped`, details: { state } }),
  },
  {
    name: "reboot from another state",
    of: ["reboot"],
    match: /^Cannot (?:reboot|reset) vm from state "([^"]*)"/,
    means: ([, state]) => ({ code: "ZONE_NOT_RUNNING", why: `it is ${state ?? "?"}, not running`, details: { state } }),
  },
  {
    name: "no init",
    match: /^Cannot find running init PID for VM \S+$/,
    means: fixed("ZONE_NOT_RUNNING", "it is not running"),
  },
  {
    name: "indestructible",
    match: /^(indestructible_(?:zoneroot|delegated)) is set, cannot (?:delete|reprovision)$/,
    means: ([, flag = ""]) => ({
      code: "ZONE_INDESTRUCTIBLE",
      why: `its ${flag} flag is set`,
      hint: `an operator protected this zone; "vmadm update UUID ${flag}=false" lifts that`,
      details: { flag },
    }),
  },
  {
    name: "volumes shared",
    match: /^Unable to delete VM \S+ the following VMs are sharing its volumes: (\[.*\])$/,
    means: ([, zones = ""]) => {
      const sharedBy = zones.match(/[0-9a-f-]{36}/g) ?? [];
      return {
        code: "ZONE_VOLUMES_SHARED",
        why: `zones mount its volumes: ${sharedBy.join(", ")}`,
        hint: "delete those zones first",
        details: { sharedBy },
      };
    },
  },
  {
    name: "uuid taken",
    of: ["create"],
    match: /^VM with UUID \S+ already exists$/,
    means: fixed("ZONE_EXISTS", "the uuid is taken"),
  },

  // ---- payload (4.3, 4.4) ----
  {
    name: "bad values",
    match: /^Invalid value\(s\) for: (.*)$/,
    means: ([, keys]) => {
      const badValues = list(keys);
      return {
        code: "PAYLOAD_INVALID",
        why: `the platform takes no such value for ${badValues.join(", ")}`,
        ...(badValues.includes("image_uuid")
          ? { hint: "for image_uuid: the image must be installed on the zone's pool and of type docker or lx-dataset" }
          : {}),
        details: { badValues },
      };
    },
  },
  {
    name: "missing properties",
    match: /^Missing required properties: (.*)$/,
    means: ([, keys]) => {
      const missingProperties = list(keys);
      return {
        code: "PAYLOAD_INVALID",
        why: `the platform misses ${missingProperties.join(", ")}`,
        details: { missingProperties },
      };
    },
  },
  {
    name: "invalid JSON",
    match: /^Invalid JSON payload: .*$/,
    means: fixed("PAYLOAD_INVALID", "the platform could not read the payload"),
  },
  {
    name: "address conflict",
    match: /^Conflict detected with another vm, please check the MAC, IP, and VRID$/,
    means: fixed(
      "ADDRESS_CONFLICT",
      "another zone of this node has the same MAC or IP address",
      "choose another address, or delete the zone that has it",
    ),
  },
  {
    name: "nic tag",
    match: /^Invalid nic tag ".*"$/,
    means: (_, said) => {
      const nicTags = [...said.text.matchAll(/Invalid nic tag "([^"]*)"$/gm)].map((m) => m[1]);
      return {
        code: "NIC_TAG_MISSING",
        why: `this node has no nic tag ${nicTags.join(", ")}`,
        hint: '"nictagadm list" shows the tags of this node',
        details: { nicTags },
      };
    },
  },
  {
    name: "file is a directory",
    match: /^(\S+) is not a file$/,
    means: ([, file]) => ({
      code: "PAYLOAD_INVALID",
      why: `the image has a directory at ${file ?? "?"}, where the platform puts a file`,
      details: { file },
    }),
  },
  {
    name: "image dataset missing",
    match: /^provisioning dataset (\S+) with brand \S+ is not supported$/,
    means: ([, image]) => ({
      code: "IMAGE_NOT_INSTALLED",
      why: `image ${image ?? "?"} is not on the zone's pool`,
      hint: "pull the image again",
      details: { image },
    }),
  },
  {
    name: "image manifest missing",
    of: ["reprovision"],
    match: /^cannot find 'manifest' for image (\S+)$/,
    means: ([, image]) => ({
      code: "IMAGE_NOT_INSTALLED",
      why: `image ${image ?? "?"} is not installed`,
      details: { image },
    }),
  },
  {
    name: "image type",
    of: ["reprovision"],
    match: /^image (\S+) is type (\S+), but must be one of: .*$/,
    means: ([, image, type]) => ({
      code: "PAYLOAD_INVALID",
      why: `image ${image ?? "?"} of type ${type ?? "?"} cannot be a container`,
      details: { image, type },
    }),
  },
  ...PAYLOAD_COMPLAINTS.map((match): Row => ({ name: `payload ${match.source}`, match, means: payload })),

  // ---- snapshots, signals, brands ----
  {
    name: "snapshot exists",
    of: ["create-snapshot"],
    match: /^snapshot with name "(.*)" already exists\.$/,
    means: ([, name]) => ({ code: "SNAPSHOT_EXISTS", why: `it has a snapshot "${name ?? ""}" already` }),
  },
  {
    name: "no snapshot",
    of: ["delete-snapshot", "rollback-snapshot"],
    match: /^No snapshot named "(.*)" for \S+$/,
    means: ([, name]) => ({ code: "SNAPSHOT_NOT_FOUND", why: `it has no snapshot "${name ?? ""}"` }),
  },
  {
    name: "snapshot of datasets",
    of: ["create-snapshot"],
    match: /^Cannot currently snapshot zones that have datasets$/,
    means: fixed("ZONE_UNSUPPORTED", "zones with delegated datasets have no snapshots"),
  },
  {
    name: "unknown signal",
    of: ["kill"],
    match: /^Unknown signal "(.*)"$/,
    means: ([, name]) => ({ code: "SIGNAL_UNKNOWN", why: `the platform has no signal "${name ?? ""}"` }),
  },
  {
    name: "info wants a running zone",
    of: ["info"],
    match: /^Unable to get info for vm from state "([^"]*)"/,
    means: ([, state]) => ({ code: "ZONE_NOT_RUNNING", why: `it is ${state ?? "?"}, not running`, details: { state } }),
  },
  {
    name: "no info for brand",
    of: ["info"],
    match: /^no info types supported for brand (\S+)$/,
    means: ([, brand]) => ({ code: "ZONE_UNSUPPORTED", why: `brand ${brand ?? "?"} tells nothing` }),
  },
  {
    name: "no timeout for brand",
    of: ["stop"],
    match: /^Timeout option is only supported for .*$/,
    means: fixed("ZONE_UNSUPPORTED", "a zone that is no docker container takes no timeout (autoboot is off now)"),
  },
  {
    name: "no reprovision for brand",
    of: ["reprovision"],
    match: /^brand "(.*)" does not yet support reprovision$/,
    means: ([, brand]) => ({ code: "ZONE_UNSUPPORTED", why: `brand ${brand ?? "?"} cannot be reprovisioned` }),
  },

  // ---- vminfod and its waits (4.5) ----
  {
    name: "provisioning timeout",
    match: /^timed out waiting for \/var\/svc\/provisioning to move for \S+$/,
    means: fixed("PROVISION_TIMEOUT", "its init did not finish in time", "sdc-dockerinit.log of the zone tells why"),
  },
  {
    name: "reboot timeout",
    of: ["reboot"],
    match: /^timed out waiting for zone to reboot$/,
    means: fixed("DEADLINE", "it did not come up again in time"),
  },
  {
    name: "vminfod watch timeout",
    match: /^vminfod watchFor(?:Event|Changes) "(.*)" timeout exceeded$/,
    means: ([, what]) => ({
      code: "VMINFOD_TIMEOUT",
      why: "the platform lost sight of the change",
      hint: "the change may still happen; look at the zone before trying again",
      details: { waitedFor: what },
    }),
  },
  {
    name: "vminfod not ready",
    match: /^VminfodEventStream ready timeout \(\d+ms\) exceeded$/,
    means: fixed("VMINFOD_UNAVAILABLE", "vminfod does not answer", 'see "svcs -x vminfod"'),
  },
  {
    name: "vminfod refused",
    match: /^connect ECONNREFUSED\b/,
    means: fixed("VMINFOD_UNAVAILABLE", "vminfod is not running", 'see "svcs -x vminfod"'),
  },

  {
    name: "boot failed",
    of: ["start", "reboot"],
    match: /^Command failed: zoneadm: /,
    means: fixed(
      "ZONE_BOOT_FAILED",
      "the platform could not boot it",
      "often a mount whose source does not exist; platform.log of the zone tells more",
    ),
  },
];
