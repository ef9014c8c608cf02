// Which image of an index runs here: linux/amd64 (container-specs.md 10.4).
import type { IndexEntry, Platform } from "./documents.ts";

interface PlainPlatform {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: "amd64",
  "x86-64": "amd64",
  i386: "386",
  aarch64: "arm64",
};

function normalise(platform: Pick<Platform, "os" | "architecture" | "variant">): PlainPlatform {
  const os = platform.os.toLowerCase();
  const raw = platform.architecture.toLowerCase();
  const architecture = ARCHITECTURES[raw] ?? raw;
  let variant = (platform.variant ?? "").toLowerCase();
  if (architecture === "amd64" && variant === "v1") variant = "";
  if (architecture === "arm64" && variant === "v8") variant = "";
  return { os, architecture, variant };
}

/** `linux/amd64`, `linux/arm/v7`. */
export function platformText(platform: Pick<Platform, "os" | "architecture" | "variant">): string {
  const { os, architecture, variant } = normalise(platform);
  return variant === "" ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** True for what an LX zone on amd64 runs. The variants v2 … v4 need newer processors and are not taken. */
export function isRunnable(platform: Pick<Platform, "os" | "architecture" | "variant">): boolean {
  const { os, architecture, variant } = normalise(platform);
  return os === "linux" && architecture === "amd64" && variant === "";
}

/** True for `linux/amd64` in one of its spellings. */
export function isRunnableName(text: string): boolean {
  const [os = "", architecture = "", variant, ...rest] = text.split("/");
  return rest.length === 0 && isRunnable({ os, architecture, variant });
}

/** Attestations and other artifacts ride in an index as unknown/unknown or with an artifact type. */
export function isAttestation(entry: IndexEntry): boolean {
  const reference = entry.annotations?.["vnd.docker.reference.type"];
  const platform = entry.platform ?? undefined;
  return (
    reference === "attestation-manifest" ||
    (typeof entry.artifactType === "string" && entry.artifactType !== "") ||
    (platform !== undefined && platform.os === "unknown" && platform.architecture === "unknown")
  );
}

/**
 * The entries worth trying, best first: those that say linux/amd64, then those that say nothing (their configuration
 * decides). Entries needing unknown os features are left out.
 */
export function runnableEntries(entries: readonly IndexEntry[]): readonly IndexEntry[] {
  const candidates = entries.filter((entry) => !isAttestation(entry));
  const said = candidates.filter(
    ({ platform }) => platform && isRunnable(platform) && (platform["os.features"] ?? []).length === 0,
  );
  return [...said, ...candidates.filter(({ platform }) => !platform)];
}

/** The platforms an index offers, each once, for "has: …". */
export function offeredPlatforms(entries: readonly IndexEntry[]): readonly string[] {
  const offered = entries
    .filter((entry) => !isAttestation(entry))
    .flatMap(({ platform }) => (platform ? [platformText(platform)] : []));
  return [...new Set(offered)];
}
