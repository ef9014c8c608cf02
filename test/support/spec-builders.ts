// Small images, nodes and containers for tests of specs and payloads.
import type { ImageConfig } from "../../agent/spec/image-config.ts";
import { readSpecs } from "../../agent/spec/read.ts";
import type { NodeFacts, SpecImage } from "../../agent/spec/resolve.ts";
import type { ImageFiles } from "../../agent/spec/user.ts";
import { isImageUuid } from "../../agent/util/ids.ts";
import { prepareContainer, type Identity } from "../../agent/zoneinit/prepare.ts";
import type { PreparedZone } from "../../agent/zoneinit/prepared.ts";
import { prepareRaw } from "../../agent/zoneinit/prepare-raw.ts";

const IMAGE_UUID = "1236eb25-b04d-c68a-150a-8a0ec3befbc9";

export const PASSWD = "root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/srv:/bin/sh\nlone:x:1001:4242::/:/bin/sh\n";
export const GROUP = "root:x:0:\nweb:x:1000:\nlogs:x:50:web\n";
export const FILES: ImageFiles = { passwd: PASSWD, group: GROUP };

type ImageSettings = NonNullable<ImageConfig["config"]>;

export function anImage(config: Partial<ImageSettings> = {}, kernelVersion?: string): SpecImage {
  if (!isImageUuid(IMAGE_UUID)) throw new Error("unreachable: a constant uuid");
  const empty: ImageSettings = {
    User: undefined,
    Env: undefined,
    Entrypoint: undefined,
    Cmd: undefined,
    WorkingDir: undefined,
    ExposedPorts: undefined,
    Volumes: undefined,
    Labels: undefined,
    StopSignal: undefined,
  };
  return {
    imageUuid: IMAGE_UUID,
    configuration: {
      os: "linux",
      architecture: "amd64",
      variant: undefined,
      created: undefined,
      config: { ...empty, ...config },
      rootfs: undefined,
      history: undefined,
    },
    kernelVersion,
  };
}

export function aNode(changes: Partial<NodeFacts> = {}): NodeFacts {
  return {
    defaults: {
      kernelVersion: "4.3.0",
      memory: "512m",
      quotaGiB: 10,
      maxLwps: 2000,
      network: undefined,
      logMaxSize: "50m",
    },
    networks: {
      lan: { nicTag: "admin", subnet: "10.0.0.0/24", gateway: "10.0.0.1", resolvers: ["10.0.0.1", "10.0.0.2"] },
      dmz: { nicTag: "external", vlan: 20, mtu: 9000, resolvers: ["10.0.0.2", "203.0.113.1"] },
    },
    packages: [],
    mounts: { allowedRoots: ["/data"] },
    host: { pool: "zones", lab: false },
    ...changes,
  };
}

export interface PrepareOptions {
  readonly name?: string;
  readonly image?: SpecImage;
  readonly node?: NodeFacts;
  readonly files?: ImageFiles;
  readonly identity?: Identity;
}

/** The first document of a text as a payload, whichever format it has. */
export function prepareText(text: string, options: PrepareOptions = {}): PreparedZone {
  const [document] = readSpecs(text, options.name ?? "web.yaml");
  if (document === undefined) throw new Error("the text holds no document");
  const { image = anImage({ Cmd: ["sh"] }), node = aNode(), files = FILES, identity = {} } = options;
  return document.format === "container"
    ? prepareContainer(document, image, node, files, identity)
    : prepareRaw(document, image, node, files, identity);
}

/** The message of what `work` throws; fails when it throws nothing. */
export function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof Error) return error.message;
  }
  throw new Error("expected an error");
}
