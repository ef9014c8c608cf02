// From a spec document to the image and the payload it needs on this node.
import type { Config } from "../config/schema.ts";
import { AgentError, hasCode } from "../errors/agent-error.ts";
import { readTextInRoot } from "../host/in-root.ts";
import type { HostPaths } from "../host/paths.ts";
import { hasPlatformLogger } from "../host/platform-logger.ts";
import type { Images, PullOptions, RunnableImage } from "../imgadm/images.ts";
import { randomName } from "../spec/names.ts";
import type { SpecDocument } from "../spec/read.ts";
import { isContainerName, type ContainerName, type ImageUuid, type ZoneUuid } from "../util/ids.ts";
import type { VmObject } from "../vmadm/schema.ts";
import type { ZoneOwner } from "../zoneinit/manifest.ts";
import { prepareContainer } from "../zoneinit/prepare.ts";
import { prepareRaw } from "../zoneinit/prepare-raw.ts";
import type { PreparedZone } from "../zoneinit/prepared.ts";
import { bindWarnings } from "./bind-neighbours.ts";
import { mountsOf } from "./borrow.ts";

export type PullPolicy = "missing" | "always" | "never";

/** Largest passwd or group file of an image we read to judge a numeric user. */
const MAX_ACCOUNTS = 1024 * 1024;

export interface Plan {
  readonly name: ContainerName;
  /** Finds the image here or, as the policy says, fetches it. */
  image(): Promise<RunnableImage>;
  /** Without `zones` nothing is known of other containers: `volumesFrom` is warned about, their binds are not looked at. */
  prepare(image: RunnableImage, uuid: ZoneUuid, zones?: readonly VmObject[]): PreparedZone;
}

export interface PlanOptions {
  readonly pull: PullPolicy;
  readonly name?: string | undefined;
  readonly autoRemove: boolean;
  readonly addUser?: boolean;
  readonly owner?: ZoneOwner | undefined;
}

export interface PlanContext {
  readonly config: Config;
  readonly paths: HostPaths;
  readonly images: Pick<Images, "find">;
  readonly signal: AbortSignal;
  /** Fetches an image that is not here, telling of it as the door does. */
  readonly pull: (reference: string, options: Pick<PullOptions, "signal">) => Promise<unknown>;
}

/** Chooses a name where neither the caller nor the document has one. Raises USAGE for one that cannot be. */
export function planLaunch(document: SpecDocument, context: PlanContext, options: PlanOptions): Plan {
  const reference = imageReference(document);
  const own = document.format === "container" ? document.spec.name : document.manifest.alias;
  const name = checkedName(options.name ?? own ?? randomName());
  return {
    name,
    image: () => ensureImage(context, reference, options.pull),
    prepare: (image, uuid, zones) => {
      const node = { ...context.config, platformLogger: hasPlatformLogger(context.paths) };
      const files = accountFiles(context.paths, image.imageUuid);
      const identity = {
        uuid,
        name,
        autoRemove: options.autoRemove,
        addUser: options.addUser ?? false,
        ...(options.owner === undefined ? {} : { owner: options.owner }),
        ...(zones === undefined ? {} : { mountsOf: mountsOf(zones) }),
      };
      const prepared =
        document.format === "container"
          ? prepareContainer(named(document, options.name), image, node, files, identity)
          : prepareRaw(document, image, node, files, identity);
      const warnings = bindWarnings(prepared, zones ?? [], context.config.host.pool);
      return warnings.length === 0 ? prepared : { ...prepared, warnings: [...prepared.warnings, ...warnings] };
    },
  };
}

/** What names the image in a document. A raw manifest without any is refused by its reader. */
export function imageReference(document: SpecDocument): string {
  if (document.format === "container") return document.spec.image;
  return document.manifest.image ?? document.manifest.image_uuid ?? "";
}

/** `--name` beside a file wins over the file's. */
function named(document: Extract<SpecDocument, { format: "container" }>, name: string | undefined): typeof document {
  return name === undefined ? document : { ...document, spec: { ...document.spec, name } };
}

function checkedName(text: string): ContainerName {
  if (isContainerName(text)) return text;
  throw new AgentError("USAGE", `"${text}" is not a name for a container`, {
    hint: "letters, digits, _ . and -, the first a letter or digit, at most 63",
  });
}

async function ensureImage(
  { images, signal, pull: fetch }: PlanContext,
  reference: string,
  pull: PullPolicy,
): Promise<RunnableImage> {
  if (pull !== "always") {
    const found = await images.find(reference, { signal });
    if (found) return found;
    if (pull === "never")
      throw new AgentError("IMAGE_NOT_FOUND", `image ${reference} is not on this node`, {
        hint: `fetch it: zonelet pull ${reference}`,
      });
  }
  try {
    await fetch(reference, { signal });
  } catch (error) {
    // An id or uuid names nothing a registry could be asked for.
    if (hasCode(error, "IMAGE_REFERENCE_INVALID") && /^[0-9a-f-]{12,}$/.test(reference))
      throw new AgentError("IMAGE_NOT_FOUND", `no image ${reference} on this node`, {
        cause: error,
        hint: 'see "zonelet images"',
      });
    throw error;
  }
  const found = await images.find(reference, { signal });
  if (!found) throw new AgentError("INTERNAL", `image ${reference} was pulled and is not there`);
  return found;
}

function accountFiles(paths: HostPaths, image: ImageUuid): { readonly passwd: string; readonly group: string } {
  const root = paths.imageRoot(image);
  const read = (path: string): string => readTextInRoot(root, path, MAX_ACCOUNTS) ?? "";
  return { passwd: read("/etc/passwd"), group: read("/etc/group") };
}
