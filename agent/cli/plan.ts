// From a spec document to the image and the payload it needs on this node.
import { hasCode } from "../errors/agent-error.ts";
import { AgentError } from "../errors/agent-error.ts";
import { hasPlatformLogger } from "../host/platform-logger.ts";
import { readTextInRoot } from "../host/in-root.ts";
import type { RunnableImage } from "../imgadm/images.ts";
import type { SpecDocument } from "../spec/read.ts";
import { isContainerName, type ContainerName, type ImageUuid, type ZoneUuid } from "../util/ids.ts";
import { prepareContainer } from "../zoneinit/prepare.ts";
import { prepareRaw } from "../zoneinit/prepare-raw.ts";
import { randomName } from "../spec/names.ts";
import type { PreparedZone } from "../zoneinit/prepared.ts";
import type { ZoneOwner } from "../zoneinit/manifest.ts";
import type { VmObject } from "../vmadm/schema.ts";
import { bindWarnings } from "../zones/bind-neighbours.ts";
import { mountsOf } from "../zones/borrow.ts";
import type { CliContext } from "./context.ts";
import { pullProgress } from "./progress.ts";

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

export function planFor(
  context: CliContext,
  document: SpecDocument,
  options: {
    readonly pull: PullPolicy;
    readonly name?: string | undefined;
    readonly quiet: boolean;
    readonly autoRemove: boolean;
    readonly addUser?: boolean;
    readonly owner?: ZoneOwner | undefined;
  },
): Plan {
  const reference = imageReference(document);
  const own = document.format === "container" ? document.spec.name : document.manifest.alias;
  const name = checkedName(options.name ?? own ?? randomName());
  return {
    name,
    image: () => ensureImage(context, reference, options),
    prepare: (image, uuid, zones) => {
      const { config, host } = context.agent();
      const node = { ...config, platformLogger: hasPlatformLogger(host.paths) };
      const files = accountFiles(context, image.imageUuid);
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
      const warnings = bindWarnings(prepared, zones ?? [], config.host.pool);
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
  context: CliContext,
  reference: string,
  { pull, quiet }: { readonly pull: PullPolicy; readonly quiet: boolean },
): Promise<RunnableImage> {
  const { images } = context.agent();
  const signal = context.interrupts.signal;
  if (pull !== "always") {
    const found = await images.find(reference, { signal });
    if (found) return found;
    if (pull === "never")
      throw new AgentError("IMAGE_NOT_FOUND", `image ${reference} is not on this node`, {
        hint: `fetch it: zonelet pull ${reference}`,
      });
  }
  using progress = pullProgress(context.output, { interactive: context.output.errIsTerminal, quiet });
  try {
    await images.pull(reference, { signal, onProgress: progress.onProgress });
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

function accountFiles(context: CliContext, image: ImageUuid): { readonly passwd: string; readonly group: string } {
  const root = context.agent().host.paths.imageRoot(image);
  const read = (path: string): string => readTextInRoot(root, path, MAX_ACCOUNTS) ?? "";
  return { passwd: read("/etc/passwd"), group: read("/etc/group") };
}
