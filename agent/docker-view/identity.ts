// Names and numbers a container goes by (sdc-docker.md 3, 23).
import { text, type ZoneLike } from "./zone-like.ts";

const UUID_CUTS = [0, 8, 12, 16, 20, 32] as const;

/** 64 hex digits Docker clients know a container by; its first half is the zone's uuid. Without one: the uuid's 32. */
export function dockerId(zone: ZoneLike): string {
  return text(metadataOf(zone)["docker:id"]) ?? undashed(zone.uuid);
}

/** The 12 digits Docker shows. */
export function shortDockerId(uuid: string): string {
  return undashed(uuid).slice(0, 12);
}

/** Name for people: the alias, else the start of the docker id. */
export function containerName(zone: ZoneLike): string {
  return text(zone["alias"]) ?? dockerId(zone).slice(0, 12);
}

/** The uuid in a docker id. A short one leaves its dashes behind, as the predecessor's did: trim them for a prefix. */
export function dockerIdToUuid(id: string): string {
  return UUID_CUTS.slice(0, -1)
    .map((from, i) => id.slice(from, UUID_CUTS[i + 1]))
    .join("-");
}

/** The beginning of a uuid that the beginning of a docker id stands for. */
export function uuidPrefix(idPrefix: string): string {
  return dockerIdToUuid(idPrefix).replace(/-+$/, "");
}

/** Networks have a docker id, too: the uuid twice. */
export function networkDockerId(uuid: string): string {
  return undashed(uuid).repeat(2);
}

function metadataOf(zone: ZoneLike): Readonly<Record<string, unknown>> {
  const metadata = zone["internal_metadata"];
  return typeof metadata === "object" && metadata !== null ? { ...metadata } : {};
}

function undashed(uuid: string): string {
  return uuid.replaceAll("-", "");
}
