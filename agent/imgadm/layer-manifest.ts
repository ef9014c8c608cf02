// The image manifests we hand to `imgadm install` (imgadm.md 5, 9.1). Tags are for operators and for rebuilding a
// record; what counts is in our own records, because one layer stack may carry many configurations (imgadm.md 7.1).
import type { Digest, ImageUuid } from "../util/ids.ts";
import type { ImageConfig } from "../spec/image-config.ts";
import { parseReference } from "./reference.ts";
import type { ImageManifest, InstalledImage } from "./schema.ts";

/** Marks an image as installed by us, with the version of the rewriting rules. Only such images are ever deleted. */
export const NORMALIZED_TAG = "zonelet:normalized";
const CONFIG_DIGEST_TAG = "zonelet:config_digest";
const NORMALIZED_VERSION = "1";
const NOBODY = "00000000-0000-0000-0000-000000000000";
/** imgadm refuses tags of more than 102400 characters as JSON; the rest of ours needs less than a tenth of the gap. */
const MAX_CONFIG_TAG = 90_000;

export interface LayerFile {
  /** Hex. */
  readonly sha1: string;
  readonly size: number;
  readonly compression: "gzip" | "none";
}

export interface LayerManifestInput {
  readonly uuid: ImageUuid;
  readonly origin: ImageUuid | undefined;
  readonly digest: Digest;
  readonly file: LayerFile;
  readonly configuration: ImageConfig;
  /** Canonical references of the image; the first one names the repository. */
  readonly references: readonly string[];
  /** On the topmost layer: digest of the configuration. */
  readonly top?: { readonly config: Digest };
  /** Makes it the removal image below the layer. */
  readonly removal?: boolean;
}

export function layerManifest(input: LayerManifestInput): ImageManifest {
  const { digest, configuration, file } = input;
  const hex = digest.slice("sha256:".length);
  const named = input.references.map(parseReference);
  const published = publishedAt(configuration.created);
  return {
    v: 2,
    uuid: input.uuid,
    owner: NOBODY,
    name: "docker-layer",
    version: `${hex.slice(0, 12)}${input.removal === true ? "-rm" : ""}`,
    disabled: false,
    public: true,
    ...(published === undefined ? {} : { published_at: published }),
    type: "docker",
    os: "linux",
    ...(input.origin === undefined ? {} : { origin: input.origin }),
    ...(input.references[0] === undefined ? {} : { description: input.references[0] }),
    tags: {
      ...(named[0] === undefined ? {} : { "docker:repo": dockerRepo(named[0]) }),
      // Without a string here every tabular `imgadm list` fails for all images (imgadm.md 3.3).
      "docker:id": digest,
      "docker:architecture": "amd64",
      ...(input.top === undefined ? {} : topTags(input.top.config, configuration, named)),
      [NORMALIZED_TAG]: NORMALIZED_VERSION,
    },
    files: [{ ...file, ...(input.removal === true ? {} : { digest }) }],
  };
}

function topTags(
  config: Digest,
  configuration: ImageConfig,
  named: readonly ReturnType<typeof parseReference>[],
): ImageManifest["tags"] {
  const { Cmd, Entrypoint, Env, WorkingDir } = configuration.config ?? {};
  const defaults = {
    ...(Cmd === undefined ? {} : { Cmd }),
    ...(Entrypoint === undefined ? {} : { Entrypoint }),
    ...(Env === undefined ? {} : { Env }),
    ...(WorkingDir === undefined ? {} : { WorkingDir }),
  };
  const fits = JSON.stringify(defaults).length <= MAX_CONFIG_TAG;
  const tags = named.flatMap(({ tag, digest }) => (tag !== undefined && digest === undefined ? [tag] : []));
  return {
    ...Object.fromEntries(tags.map((tag) => [`docker:tag:${tag}`, true])),
    ...(fits ? { "docker:config": defaults } : {}),
    [CONFIG_DIGEST_TAG]: config,
  };
}

/** imgadm's name for a repository: without `docker.io/` and `library/` (imgadm.md 7.3). */
export function dockerRepo(reference: Pick<ReturnType<typeof parseReference>, "domain" | "path">): string {
  if (reference.domain !== "docker.io") return `${reference.domain}/${reference.path}`;
  return reference.path.startsWith("library/") ? reference.path.slice("library/".length) : reference.path;
}

/** imgadm takes 0 or 3 digits of fraction; images come with nine, or with none and an offset. */
function publishedAt(created: string | undefined): string | undefined {
  const time = created === undefined ? NaN : Date.parse(created);
  if (Number.isNaN(time)) return undefined;
  const text = new Date(time).toISOString();
  return /^\d{4}-/.test(text) ? text : undefined;
}

/** True where the image was installed by us. */
export function isOurs({ manifest }: InstalledImage): boolean {
  return typeof manifest.tags?.[NORMALIZED_TAG] === "string";
}
