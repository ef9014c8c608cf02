// Every internal_metadata key and tag the agent writes. A key that is not here is not written.
import { AgentError } from "../errors/agent-error.ts";
import { metadataTextFault } from "../spec/metadata-text.ts";

/** Read by dockerinit or vmadm (dockerinit.md 2). Forms: *json* is JSON text in a string, *bool* is true or absent. */
export const DOCKER_KEYS = {
  /** text, 64 hex digits; the first 32 are the zone's uuid */
  id: "docker:id",
  /** json array, always written: dockerinit runs entrypoint + cmd */
  entrypoint: "docker:entrypoint",
  cmd: "docker:cmd",
  /** json array of `K=V`, always written */
  env: "docker:env",
  /** text, absent for root */
  user: "docker:user",
  /** text, absent for `/` */
  workdir: "docker:workdir",
  /** bool; **never false**: vmadm computes the log mode by truthiness of the text */
  tty: "docker:tty",
  /** bool */
  openStdin: "docker:open_stdin",
  /** bool, for `inspect` */
  attachStdin: "docker:attach_stdin",
  attachStdout: "docker:attach_stdout",
  attachStderr: "docker:attach_stderr",
  /** bool: ipmgmtd is of no use in a container */
  noIpmgmtd: "docker:noipmgmtd",
  /** text `always`, `on-failure`, `on-failure:<n>`; absent for no restarts */
  restartPolicy: "docker:restartpolicy",
  /** text and json object; absent means json-file */
  logDriver: "docker:logdriver",
  logConfig: "docker:logconfig",
  /** json arrays, absent when empty; vmadm writes resolv.conf and hosts from them */
  dnsSearch: "docker:dnssearch",
  extraHosts: "docker:extraHosts",
  /** json array of `{nfsvolume, mountpoint, readonly}`, absent when empty */
  nfsVolumes: "docker:nfsvolumes",
  /** config digest and reference: read by nobody on the node but loggers, kept for `inspect` */
  imageId: "docker:imageid",
  imageName: "docker:imagename",
  /** bool, and json arrays of numbers: ports the image exposes, for `inspect` and links */
  publishAllPorts: "docker:publish_all_ports",
  tcpUnpublished: "docker:tcp_unpublished_ports",
  udpUnpublished: "docker:udp_unpublished_ports",
  /** json array of zone uuids */
  volumesFrom: "docker:volumesfrom",
  /** written for readers that expect them; filled for containers of head nodes only */
  linkEnv: "docker:linkEnv",
  linkHosts: "docker:linkHosts",
} as const;

/** Our own marks. A zone without `zonelet:version` is foreign and never touched. */
export const MARK_KEYS = {
  /** text: version of the marks' format */
  version: "zonelet:version",
  /** text `sha256:…`: what was asked for, see digest.ts */
  digest: "zonelet:digest",
  /** text: the image as the spec names it */
  image: "zonelet:image",
  /** text, a signal name; absent for SIGTERM */
  stopSignal: "zonelet:stop_signal",
  /** number, seconds; absent for 10 */
  stopTimeout: "zonelet:stop_timeout",
  /** bool: delete the zone when its container has exited */
  autoRemove: "zonelet:autoremove",
  /** json object of spec/healthcheck.ts: how its health is asked for */
  health: "zonelet:health",
  /** text: the document's name, on each container of a document with several */
  group: "zonelet:group",
  /** number: 0 is started first */
  groupOrder: "zonelet:group_order",
  /** text `init`; absent for the others */
  groupRole: "zonelet:group_role",
  /** json array of `{container, condition}`, absent when empty: what is waited for before the start */
  groupAfter: "zonelet:group_after",
  /** text: who keeps the container as declared, `apply`. Not part of the digest: taking a container over changes nothing */
  owner: "zonelet:owner",
} as const;

export const MARK_VERSION = "1";

export const LABEL_TAG_PREFIX = "docker:label:";
/** On every container, as sdc-docker sets it: fleet-wide firewall rules name it. */
export const DOCKER_TAG = "sdc_docker";

/** A list as JSON text dockerinit's parser reads back unchanged. Raises SPEC_INVALID for text it cannot carry. */
export function metadataJson(key: string, value: readonly string[] | Readonly<Record<string, string>>): string {
  for (const text of Array.isArray(value) ? value : Object.entries(value).flat()) {
    const fault = metadataTextFault(String(text));
    if (fault !== undefined) throw new AgentError("SPEC_INVALID", `${key}: ${JSON.stringify(text)} ${fault}`);
  }
  return JSON.stringify(value);
}
