// What `docker: true` implies (vmadm.md 7).
import { brandFeatures } from "./properties.ts";
import type { Payload } from "./json-text.ts";

/**
 * The implications create adds. `docker` is tested for truth, so the text "false" counts, too; brands without
 * dockerinit get everything but init_name (vmadm.md 7; vectors manifest-docker-false-string, -wrong-brand).
 */
export function applyDockerAtCreate(payload: Payload, uuid: string, randomUuid: () => string): void {
  if (!payload["docker"]) return;
  const namespaces = payload["internal_metadata_namespaces"];
  if (!Array.isArray(namespaces)) payload["internal_metadata_namespaces"] = ["docker"];
  else if (!namespaces.includes("docker"))
    payload["internal_metadata_namespaces"] = [...(namespaces as readonly unknown[]), "docker"];
  payload["restart_init"] = false;
  const init = brandFeatures(String(payload["brand"]))?.dockerinit;
  if (init !== undefined && payload["init_name"] === undefined) payload["init_name"] = init;
  const metadata = payload["internal_metadata"];
  if (metadata === undefined) payload["internal_metadata"] = { "docker:id": dockerId(uuid, randomUuid()) };
  else if (typeof metadata === "object" && metadata !== null && !Array.isArray(metadata)) {
    if (!("docker:id" in metadata))
      payload["internal_metadata"] = { ...metadata, "docker:id": dockerId(uuid, randomUuid()) };
  }
}

/**
 * The implications of an update that itself says docker: true. An existing namespace list without `docker` is replaced,
 * not extended (vmadm.md 16.26).
 */
export function applyDockerAtUpdate(vm: Payload, payload: Payload, randomUuid: () => string): void {
  if (payload["docker"] !== true && payload["docker"] !== "true") return;
  const given = payload["internal_metadata_namespaces"];
  const namespaces = given ?? vm["internal_metadata_namespaces"];
  if (!Array.isArray(namespaces) || !namespaces.includes("docker"))
    payload["internal_metadata_namespaces"] = Array.isArray(given) ? [...(given as unknown[]), "docker"] : ["docker"];
  if (vm["restart_init"] !== false) payload["restart_init"] = false;
  const init = brandFeatures(String(vm["brand"]))?.dockerinit;
  if (init !== undefined && payload["init_name"] === undefined && vm["init_name"] === undefined)
    payload["init_name"] = init;
  const metadata = (vm["internal_metadata"] ?? {}) as Payload;
  const set = payload["set_internal_metadata"] ?? {};
  if (metadata["docker:id"] === undefined && typeof set === "object" && !("docker:id" in set))
    payload["set_internal_metadata"] = { ...set, "docker:id": dockerId(String(vm["uuid"]), randomUuid()) };
}

/** 64 hex digits, the first 32 are the zone's uuid. */
export function dockerId(uuid: string, tail: string): string {
  return (uuid + tail).replaceAll("-", "");
}

export interface LogMode {
  readonly mode: string;
  /** A logging program other than zoneadmd's own file depends on the zone's application. */
  readonly appSvcDependent: boolean;
}

/** zlog_mode from tty (by truthiness, as the platform has it) and log driver. */
export function dockerLogMode(metadata: Payload): LogMode {
  const driver = metadata["docker:logdriver"] ?? "json-file";
  const loops = driver !== "json-file" && driver !== "none";
  const mode = `${driver === "none" ? "-" : "g"}${metadata["docker:tty"] ? "t" : "-"}${loops ? "n" : "-"}`;
  return { mode, appSvcDependent: loops };
}
