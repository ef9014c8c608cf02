// The app object, which stands in pod manifests and in image manifests (container-specs.md 6).
import { z } from "zod";
import { text } from "../../fields.ts";
import type { NeutralApp, NeutralPort } from "../../neutral.ts";
import type { SpecPath } from "../../problem.ts";
import type { SpecSource } from "../../source.ts";
import type { Report } from "../format.ts";
import { absentable, absentableText, absolutePath, flag, listOf, mapOf } from "../go-json.ts";
import { isolators, readIsolators } from "./isolators.ts";
import { acName, complainOfRepeats, environment } from "./values.ts";

const account = text.min(1, "must not be empty");
const MAX_PORT = 65535;
const portNumber = z.int().min(1, "must be from 1 to 65535").max(MAX_PORT, "must be from 1 to 65535");

const port = z
  .object({
    name: acName,
    protocol: text.min(1, "must not be empty"),
    port: portNumber,
    count: absentable(z.int().min(1, "must be at least 1")),
    socketActivated: flag,
  })
  .check(({ value, issues }) => {
    if (value.port + (value.count ?? 1) > MAX_PORT + 1)
      issues.push({ code: "custom", input: value, path: ["count"], message: "goes beyond port 65535" });
  });

const groupIds = listOf(z.int().min(0, "must not be negative"));

export const appSchema = z
  .object({
    exec: listOf(text),
    user: account,
    group: account,
    supplementaryGIDs: groupIds,
    // The prose's spelling; the format's own parser reads keys whatever their case.
    supplementaryGids: groupIds,
    workingDirectory: absentableText.pipe(absolutePath.optional()),
    environment,
    mountPoints: listOf(z.object({ name: acName, path: absolutePath, readOnly: flag })),
    ports: listOf(port),
    eventHandlers: listOf(
      z.object({ name: z.enum(["pre-start", "post-stop"]), exec: z.array(text).min(1, "must not be empty") }),
    ),
    isolators,
    userAnnotations: mapOf(text),
    userLabels: mapOf(text),
  })
  .check(({ value, issues }) => {
    const repeats = (key: "mountPoints" | "ports" | "eventHandlers", what: string): void => {
      complainOfRepeats(value[key], what, (i, message) => {
        issues.push({ code: "custom", input: value, path: [key, i, "name"], message });
      });
    };
    repeats("mountPoints", "mount point");
    repeats("ports", "port");
    repeats("eventHandlers", "handler");
  });
export type AcApp = z.output<typeof appSchema>;

type AppFields = Omit<NeutralApp, "at" | "places" | "name" | "image" | "mounts" | "restart" | "hostname">;

/** Without an app object everything is the image manifest's. */
export const FROM_IMAGE: AppFields = {
  entrypoint: null,
  args: null,
  env: {},
  user: null,
  cwd: null,
  memoryBytes: null,
  cpuCores: null,
  cpuShares: null,
  ports: [],
  labels: {},
};

/** What an app object says, `path` being its place. The ports are exposed only. */
export function readApp(app: AcApp, path: SpecPath, source: SpecSource, report: Report): AppFields {
  const limits = readIsolators(
    app.isolators,
    { kind: "app", path: [...path, "isolators"], owner: path },
    source,
    report,
  );
  const hooks = Object.fromEntries(
    app.eventHandlers.map(({ name, exec }) => [name === "pre-start" ? "preStart" : "postStop", exec]),
  );
  const groups = [...app.supplementaryGIDs, ...app.supplementaryGids].map(String);
  return {
    ...FROM_IMAGE,
    ...(app.exec.length === 0 ? {} : { entrypoint: app.exec, args: [] }),
    env: app.environment,
    user: `${app.user}:${app.group}`,
    cwd: app.workingDirectory ?? "/",
    ...limits,
    ports: readPorts(app, path, report),
    labels: app.userLabels,
    ...(groups.length === 0 ? {} : { groups }),
    ...(app.eventHandlers.length === 0 ? {} : { hooks }),
    ...(Object.keys(app.userAnnotations).length === 0 ? {} : { annotations: app.userAnnotations }),
  };
}

function readPorts(app: AcApp, path: SpecPath, report: Report): NeutralPort[] {
  return app.ports.flatMap(({ name, protocol, port: container, count = 1, socketActivated }, i) => {
    if (socketActivated)
      report.warn(
        [...path, `ports:${name}`, "socketActivated"],
        "sockets are not opened for the app beforehand: it must listen itself",
        undefined,
        [...path, "ports", i, "socketActivated"],
      );
    if (protocol === "tcp" || protocol === "udp")
      return [{ container, count, protocol, host: null, hostIp: null, name }];
    report.refuse([...path, "ports", i, "protocol"], `${JSON.stringify(protocol)} is not supported; use tcp or udp`);
    return [];
  });
}
