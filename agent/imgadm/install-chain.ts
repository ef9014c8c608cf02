// Installs the layers an image still lacks, base first, each over the one below (imgadm.md 9.1).
//
//   present from the top down -> lock what lacks -> look again -> fetch (a few at a time) -> per layer: plan against
//   the tree below, rewrite if need be, removal image, install -> the top is there
//
// Every step can be repeated: an installed layer is found, a lost one is fetched again, and imgadm itself either has a
// dataset under its final name or nothing.
import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AgentError, hasCode } from "../errors/agent-error.ts";
import type { Host } from "../host/host.ts";
import type { Logger } from "../log/logger.ts";
import type { ImageUuid } from "../util/ids.ts";
import type { Lock } from "../util/lock.ts";
import type { Imgadm } from "./client.ts";
import { freeBytes, requireSpace, RESERVE } from "./disk-space.ts";
import type { ImageLocks } from "./image-locks.ts";
import type { PullOptions, PullProgress } from "./images.ts";
import { fetchAll, type LayerQueue } from "./fetch-queue.ts";
import { layerManifest, type LayerFile } from "./layer-manifest.ts";
import { layerStackUuid, removalUuid } from "./layer-uuid.ts";
import { layerName, type FetchedLayer } from "./layers/fetch-layer.ts";
import { EMPTY_TREE, openLowerTree, type LowerTree } from "./layers/lower-tree.ts";
import { planLayer } from "./layers/plan.ts";
import { rewriteLayer, writeRemovals } from "./layers/rewrite.ts";
import { specialsNote } from "./layers/scan.ts";
import type { ImageLayer, ResolvedImage } from "./oci/resolve.ts";
import { dropKeptBlobs, openScratch, sweepScratch } from "./scratch.ts";

export interface ChainContext {
  readonly host: Host;
  readonly imgadm: Imgadm;
  readonly pool: string;
  readonly concurrency: number;
  readonly locks: ImageLocks;
  readonly log: Logger;
  /** Told of each layer that was fetched, installed and is about to be removed. */
  readonly onInstalled?: (layer: FetchedLayer) => Promise<void>;
}

/** A layer of an image with the uuids of its stack. */
interface ChainLink {
  readonly uuid: ImageUuid;
  readonly removal: ImageUuid;
  readonly origin: ImageUuid | undefined;
  readonly index: number;
}

const RESTARTS = 3;

/** An installed stack; until it is disposed nobody's rmi or prune takes it away. */
export interface InstalledChain extends Disposable {
  readonly imageUuid: ImageUuid;
}

/** The whole stack, installed. Concurrent calls for common layers queue up (`waiting`). */
export async function installChain(
  context: ChainContext,
  image: ResolvedImage,
  references: readonly string[],
  options: PullOptions,
): Promise<InstalledChain> {
  const chain = buildChain(image);
  const top = chain.at(-1)?.uuid;
  if (top === undefined) throw new AgentError("IMAGE_UNSUPPORTED", "an image without layers cannot be installed");
  const pin = new ChainPin(context.locks);
  for (let round = 1; ; round++) {
    try {
      await installMissing(context, image, chain, references, pin, options);
      await checkTop(context, top, options.signal);
      return { imageUuid: top, [Symbol.dispose]: () => pin.release() };
    } catch (error) {
      pin.release();
      // Somebody deleted a layer below while we were at it; look again what is there.
      if (!hasCode(error, "IMAGE_ORIGIN_MISSING") || round >= RESTARTS) throw error;
      context.log.warn({ err: error }, "a layer vanished during the install, starting over");
    }
  }
}

/**
 * Holds the highest layer that is installed. Those below it have a child and cannot be deleted; it has none yet, and a
 * prune beside us would take it for what a killed pull left.
 */
class ChainPin {
  readonly #locks: ImageLocks;
  #lock: Lock | undefined;

  constructor(locks: ImageLocks) {
    this.#locks = locks;
  }

  /** Never waits. Where somebody else has it, a deletion shows as IMAGE_ORIGIN_MISSING, and we begin anew. */
  async moveTo(uuid: ImageUuid): Promise<void> {
    const lock = await this.#locks.image(uuid, { shared: true, timeoutMs: 0 });
    this.#lock?.release();
    this.#lock = lock;
  }

  release(): void {
    this.#lock?.release();
    this.#lock = undefined;
  }
}

function buildChain(image: ResolvedImage): readonly ChainLink[] {
  const digests = image.layers.map(({ digest }) => digest);
  return digests.map((_, index) => ({
    index,
    uuid: layerStackUuid(digests.slice(0, index + 1)),
    removal: removalUuid(digests.slice(0, index + 1)),
    origin: index === 0 ? undefined : layerStackUuid(digests.slice(0, index)),
  }));
}

async function checkTop({ imgadm }: ChainContext, top: ImageUuid, signal: AbortSignal | undefined): Promise<void> {
  const installed = await imgadm.get(top, { signal });
  if (installed?.manifest.type === "docker") return;
  if (installed === undefined) throw new AgentError("IMAGE_ORIGIN_MISSING", `image ${top} is gone again`);
  // A dataset without its manifest is "already installed" for imgadm and unusable for vmadm (imgadm.md 2).
  throw new AgentError("IMAGE_INSTALL_FAILED", `image ${top} is installed without its manifest`, {
    hint: `remove it with \`imgadm delete ${top}\` and pull again`,
  });
}

/** Links from the first one that is not installed; an image with an installed child cannot be missing. */
async function missingLinks(
  { imgadm }: ChainContext,
  chain: readonly ChainLink[],
  signal: AbortSignal | undefined,
): Promise<readonly ChainLink[]> {
  const installed = new Set((await imgadm.list({ signal })).map(({ manifest }) => manifest.uuid));
  const present = chain.findLastIndex(({ uuid }) => installed.has(uuid));
  return chain.slice(present + 1);
}

async function installMissing(
  context: ChainContext,
  image: ResolvedImage,
  chain: readonly ChainLink[],
  references: readonly string[],
  pin: ChainPin,
  options: PullOptions,
): Promise<void> {
  const report = options.onProgress ?? (() => undefined);
  const locked = new Map<ImageUuid, Lock>();
  try {
    const missing = await lockMissing(context, chain, locked, options);
    reportPresent(image, chain, missing, report);
    const present = chain.at(chain.length - missing.length - 1);
    if (present !== undefined && missing.length < chain.length) await pin.moveTo(present.uuid);
    if (missing.length === 0) {
      // A puller killed after its last install leaves nothing to do but its files.
      await sweepScratch(context.host.paths.scratch, context.locks, {
        signal: options.signal,
        settled: image.layers.map(({ digest }) => digest),
      });
      return;
    }
    await fetchAndInstall(context, image, missing, references, options, async (link) => {
      locked.get(link.uuid)?.release();
      await pin.moveTo(link.uuid);
    });
  } finally {
    for (const lock of locked.values()) lock.release();
  }
}

/**
 * The links to install, each locked by us. What lacks is looked at again under the locks: another puller may have
 * installed it and gone before we came to them.
 */
async function lockMissing(
  context: ChainContext,
  chain: readonly ChainLink[],
  locked: Map<ImageUuid, Lock>,
  options: PullOptions,
): Promise<readonly ChainLink[]> {
  const top = chain.at(-1);
  // By far the most frequent case, and `get` is cheaper than `list` on a full node.
  if (top !== undefined && (await context.imgadm.get(top.uuid, { signal: options.signal })) !== undefined) return [];
  let missing = await missingLinks(context, chain, options.signal);
  for (;;) {
    await lockAll(context, missing, locked, options);
    missing = await missingLinks(context, chain, options.signal);
    if (missing.every(({ uuid }) => locked.has(uuid))) return missing;
    // A lower one was deleted meanwhile; locks are only ever taken from the bottom up, so begin anew.
    for (const lock of locked.values()) lock.release();
    locked.clear();
  }
}

async function lockAll(
  { locks }: ChainContext,
  links: readonly ChainLink[],
  locked: Map<ImageUuid, Lock>,
  { signal, onProgress }: PullOptions,
): Promise<void> {
  let told = false;
  for (const { uuid } of links) {
    const onWait = (): void => {
      // Told once: whoever holds one lock of the chain holds those above it as well.
      if (!told) onProgress?.({ type: "waiting", what: `another zonelet process, which is busy with image ${uuid}` });
      told = true;
    };
    const lock = await locks.image(uuid, { onWait, ...(signal ? { signal } : {}) });
    if (lock) locked.set(uuid, lock);
  }
}

function reportPresent(
  image: ResolvedImage,
  chain: readonly ChainLink[],
  missing: readonly ChainLink[],
  report: (event: PullProgress) => void,
): void {
  for (const { index } of chain.slice(0, chain.length - missing.length)) {
    const layer = image.layers[index];
    if (layer) report({ type: "layer-present", layer: layer.digest });
  }
}

async function fetchAndInstall(
  context: ChainContext,
  image: ResolvedImage,
  missing: readonly ChainLink[],
  references: readonly string[],
  options: PullOptions,
  onInstalled: (link: ChainLink) => Promise<void>,
): Promise<void> {
  const layers = missing.flatMap(({ index }) => image.layers[index] ?? []);
  const toFetch = layers.filter((layer) => image.source.localFile?.(layer) === undefined);
  await using scratch = await openScratch(context.host.paths.scratch, context.locks, {
    signal: options.signal,
    lacking: toFetch.map(({ digest }) => digest),
    settled: image.layers
      .map(({ digest }) => digest)
      .filter((digest) => !layers.some((each) => each.digest === digest)),
  });
  await requireRoom(context, toFetch, references[0] ?? image.config, options.signal);
  await using queue: LayerQueue = fetchAll(image.source, layers, {
    directory: scratch.directory,
    concurrency: context.concurrency,
    signal: options.signal,
    onProgress: options.onProgress,
  });
  for (const [position, link] of missing.entries()) {
    const fetched = await queue.take(position);
    options.signal?.throwIfAborted();
    await installLayer(context, image, link, fetched, references, { scratch: scratch.directory, ...options });
    await onInstalled(link);
    await context.onInstalled?.(fetched);
    await queue.drop(position);
    options.onProgress?.({ type: "layer-installed", layer: fetched.layer.digest });
  }
}

/** Room for the layers as they are stored; what others left behind gives way first. */
async function requireRoom(
  { host, locks }: ChainContext,
  layers: readonly ImageLayer[],
  image: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  const sizes = new Map(layers.map(({ digest, size }) => [digest, size]));
  const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const { scratch } = host.paths;
  if ((await freeBytes(scratch)) < bytes + RESERVE) await dropKeptBlobs(scratch, locks, signal);
  await requireSpace(scratch, bytes, `image ${image}`);
}

async function installLayer(
  context: ChainContext,
  image: ResolvedImage,
  link: ChainLink,
  fetched: FetchedLayer,
  references: readonly string[],
  options: PullOptions & { readonly scratch: string },
): Promise<void> {
  const name = layerName(fetched.layer);
  options.onProgress?.({ type: "installing", layer: fetched.layer.digest, imageUuid: link.uuid });
  const plan = await planLayer(fetched.scan, await lowerTree(context, link, options.signal), name);
  const note = specialsNote(fetched.scan);
  if (note !== undefined) context.log.info({ layer: fetched.layer.digest, specials: note }, "special files left out");
  const common = {
    digest: fetched.layer.digest,
    configuration: image.configuration,
    references,
  };
  let { origin } = link;
  // A removal image belongs to no record and has no child yet: without the lock a prune would take it.
  using removal = plan.removalImage ? await lockRemoval(context, link, options.signal) : undefined;
  if (removal !== undefined) {
    const file = join(options.scratch, `${link.removal}.tar`);
    const written = await writeRemovals(plan.removals, file);
    const manifest = layerManifest({
      ...common,
      uuid: link.removal,
      origin,
      file: { ...written, compression: "none" },
      removal: true,
    });
    await context.imgadm.install(manifest, file, { signal: options.signal });
    origin = link.removal;
  }
  // imgadm copies the file beside the tree before it unpacks it (imgadm.md 6.2).
  await requireSpace(
    context.host.paths.inGlobalZone(`/${context.pool}`),
    fetched.unpacked + fetched.layer.size,
    `unpacking ${name}`,
  );
  const ready = await readyFile(fetched, plan, join(options.scratch, `${link.uuid}.tar`), options.signal);
  const manifest = layerManifest({
    ...common,
    uuid: link.uuid,
    origin,
    file: ready.file,
    ...(link.index === image.layers.length - 1 ? { top: { config: image.config } } : {}),
  });
  await context.imgadm.install(manifest, ready.path, { signal: options.signal });
  // The next layer's would come on top of it.
  if (ready.path !== fetched.file) await rm(ready.path, { force: true });
}

async function lockRemoval(
  { locks }: ChainContext,
  link: ChainLink,
  signal: AbortSignal | undefined,
): Promise<Disposable> {
  const lock = await locks.image(link.removal, signal ? { signal } : {});
  return { [Symbol.dispose]: () => lock?.release() };
}

async function readyFile(
  fetched: FetchedLayer,
  plan: Awaited<ReturnType<typeof planLayer>>,
  output: string,
  signal: AbortSignal | undefined,
): Promise<{ path: string; file: LayerFile }> {
  const { compression } = fetched;
  // zstd is known to nothing on the platform (imgadm.md 6.1).
  if (!plan.rewrite && compression !== "zstd")
    return { path: fetched.file, file: { sha1: fetched.sha1, size: fetched.layer.size, compression } };
  await requireSpace(dirname(output), fetched.unpacked, `rewriting ${layerName(fetched.layer)}`);
  const written = await rewriteLayer(fetched, plan, output, signal ?? new AbortController().signal);
  return { path: output, file: { ...written, compression: "none" } };
}

/** The installed tree below a layer; its dataset is mounted where somebody unmounted it. */
async function lowerTree(
  { host, pool }: ChainContext,
  link: ChainLink,
  signal: AbortSignal | undefined,
): Promise<LowerTree> {
  if (link.origin === undefined) return EMPTY_TREE;
  const root = host.paths.inGlobalZone(`/${pool}/${link.origin}/root`);
  const tree = openLowerTree(root);
  if (tree.exists()) return tree;
  await host
    .run("zfs", { args: ["mount", `${pool}/${link.origin}`], timeoutMs: 60_000, mutates: true, signal })
    .catch(() => undefined);
  if (tree.exists()) return tree;
  throw new AgentError("IMAGE_ORIGIN_MISSING", `the tree of image ${link.origin} is not mounted at ${root}`);
}
