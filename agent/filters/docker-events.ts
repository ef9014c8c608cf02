// The filters of Docker's `/events` (events-and-filters.md 7.3).
import type { DockerFilters } from "./docker-args.ts";

/** A message as `/events` sends it, as far as filters look at it. */
export interface DockerEvent {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes?: Readonly<Record<string, string>> | undefined };
  readonly scope?: string | undefined;
}

/** Actions that carry more behind a colon; asking for one of them makes all values of `event` prefixes. */
const PREFIXES = new Set(["health_status", "exec_create", "exec_start"]);

/** Kinds whose filter compares the actor's id and name, whatever the event's type is. */
const BY_NAME = ["container", "daemon", "plugin", "volume", "network", "node", "service", "secret", "config"];

/** Whether an event passes; keys that are not known restrict nothing, as in Docker. */
export function dockerEventFilter(filters: DockerFilters): (event: DockerEvent) => boolean {
  const byPrefix = filters.get("event").some((value) => PREFIXES.has(value));
  return (event) => {
    const attributes = event.Actor.Attributes ?? {};
    const name = attributes["name"] ?? "";
    return (
      (byPrefix ? filters.startsWith("event", event.Action) : filters.equals("event", event.Action)) &&
      filters.equals("type", event.Type) &&
      filters.equals("scope", event.scope ?? "local") &&
      BY_NAME.every((key) => filters.startsWith(key, event.Actor.ID) || filters.startsWith(key, name)) &&
      imageNames(event).some((text) => filters.equals("image", text)) &&
      filters.holdsLabels("label", attributes)
    );
  };
}

function imageNames(event: DockerEvent): readonly string[] {
  const name = event.Actor.Attributes?.[event.Type === "image" ? "name" : "image"] ?? "";
  return [event.Actor.ID, name, withoutTag(event.Actor.ID), withoutTag(name)];
}

/** `registry:5000/team/api:v3` → `registry:5000/team/api`. */
function withoutTag(image: string): string {
  return image.replace(/@[^@/]*$/, "").replace(/:[^:/]*$/, "");
}
