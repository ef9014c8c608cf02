// `{image, override}`: what an OCI image configuration and a spec's own values make together (container-specs.md 8).
// No door of its own; it shows and checks the rules of merging by themselves.
import { z } from "zod";
import { text } from "../../fields.ts";
import { imageConfigSchema, type ImageConfig } from "../../image-config.ts";
import { effectiveCommand, effectiveEnv, effectiveLabels, imageVolumes } from "../../image-defaults.ts";
import { zodProblems } from "../../issues.ts";
import type { NeutralApp, NeutralMount, NeutralPort } from "../../neutral.ts";
import type { SpecSource } from "../../source.ts";
import type { Report } from "../format.ts";
import { absentable, absentableText, absolutePath, flag, listOf, mapOf, variablesOf } from "../go-json.ts";
import { unsupportedPlatform } from "../platform.ts";
import { parsePortKey } from "../port-key.ts";

const words = z
  .array(text)
  .nullish()
  .transform((list) => list ?? null);

const override = z.strictObject({
  entrypoint: words,
  args: words,
  env: mapOf(text.nullable()),
  user: absentableText,
  cwd: absentableText.pipe(absolutePath.optional()),
  labels: mapOf(text),
  mounts: listOf(
    z.strictObject({
      type: z.enum(["bind", "volume", "empty", "tmpfs", "nfs", "file"]),
      source: text.nullable(),
      target: absolutePath,
      read_only: flag,
    }),
  ),
  ports: listOf(
    z.strictObject({
      container: z.int().min(1).max(65535),
      count: z.int().min(1),
      protocol: z.enum(["tcp", "udp", "sctp"]),
      host: z.int().min(0).max(65535).nullable(),
      host_ip: text.nullable(),
      name: text.nullable(),
    }),
  ),
  stop_signal: absentableText,
});

const question = z.strictObject({ image: imageConfigSchema, override: absentable(override) });
const NOTHING = override.parse({});

export type EffectiveValues = Pick<NeutralApp, "user" | "labels" | "mounts" | "ports"> & {
  readonly entrypoint: readonly string[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | null>>;
  readonly cwd: string;
  readonly stopSignal: string;
};

/** Undefined with the complaints reported when the image cannot run here or nobody says what to run. */
export function readEffectiveValues(source: SpecSource, report: Report): EffectiveValues | undefined {
  const parsed = question.safeParse(source.value);
  if (!parsed.success) {
    report.add(zodProblems(question, source, parsed.error.issues));
    return undefined;
  }
  const { image, override: own = NOTHING } = parsed.data;
  checkImage(image, report);
  const { config } = image;
  const command = effectiveCommand(config, own);
  if (command.entrypoint.length + command.args.length === 0)
    report.complain(["command"], "neither the image nor the spec says what to run");
  const entries = Object.entries(own.env).map(([name, value]) => (value === null ? name : `${name}=${value}`));
  return {
    ...command,
    env: variablesOf([...effectiveEnv(config, entries).values()]),
    user: own.user ?? (config?.User === "" ? null : (config?.User ?? null)),
    cwd: own.cwd ?? (config?.WorkingDir === "" ? "/" : (config?.WorkingDir ?? "/")),
    labels: effectiveLabels(config, own.labels),
    mounts: effectiveMounts(
      config,
      own.mounts.map(({ read_only: readOnly, ...mount }) => ({ ...mount, readOnly })),
    ),
    ports: effectivePorts(
      config,
      own.ports.map(({ host_ip: hostIp, ...port }) => ({ ...port, hostIp })),
      report,
    ),
    stopSignal: own.stop_signal ?? (config?.StopSignal === "" ? "SIGTERM" : (config?.StopSignal ?? "SIGTERM")),
  };
}

/** Whether the image is one a zone can run, and its configuration consistent. */
function checkImage({ os, architecture, variant, rootfs, history }: ImageConfig, report: Report): void {
  const at = ["image"];
  if (os === undefined) report.complain([...at, "os"], "is required");
  else if (unsupportedPlatform(os) !== undefined)
    report.refuse([...at, "os"], `must be linux, not ${JSON.stringify(os)}`);
  else if (architecture === undefined) report.complain([...at, "architecture"], "is required");
  else {
    const why = unsupportedPlatform([os, architecture, ...(variant === undefined ? [] : [variant])].join("/"));
    if (why !== undefined) report.refuse([...at, "architecture"], why);
  }
  if (rootfs === undefined) return;
  if (rootfs.type !== "layers") {
    report.complain([...at, "rootfs", "type"], `must be "layers", not ${JSON.stringify(rootfs.type)}`);
    return;
  }
  const layers = history?.filter((entry) => entry.empty_layer !== true).length ?? 0;
  if (layers !== 0 && layers !== rootfs.diff_ids.length)
    report.complain([...at, "history"], `tells of ${layers} layers, but there are ${rootfs.diff_ids.length} diff ids`);
}

function effectiveMounts(image: ImageConfig["config"], own: readonly NeutralMount[]): NeutralMount[] {
  const volumes = imageVolumes(
    image,
    own.map((mount) => mount.target),
  );
  return [
    ...own,
    ...volumes.map((target): NeutralMount => ({ type: "volume", source: null, target, readOnly: false })),
  ];
}

function effectivePorts(image: ImageConfig["config"], own: readonly NeutralPort[], report: Report): NeutralPort[] {
  const exposed = Object.keys(image?.ExposedPorts ?? {}).flatMap((key): NeutralPort[] => {
    const port = parsePortKey(key);
    if (port === undefined) {
      report.complain(["image", "config", "ExposedPorts", key], `${JSON.stringify(key)} is not a port`, { at: "key" });
      return [];
    }
    const known = own.some((p) => p.container === port.container && p.protocol === port.protocol);
    return known ? [] : [{ ...port, host: null, hostIp: null, name: null }];
  });
  return [...own, ...exposed];
}
