// The second pass, for layers imgadm would get wrong: the same entries without whiteouts and without what its tar
// complains about, at their real places, with markers for what can be deleted afterwards (imgadm.md 9.1 step 5).
import { createReadStream } from "node:fs";
import { dirname } from "node:path";
import { tellFullDisk } from "../disk-space.ts";
import { parseEntry } from "./entry.ts";
import { layerName, type FetchedLayer } from "./fetch-layer.ts";
import type { LayerPlan } from "./plan.ts";
import { readTar } from "./read-tar.ts";
import { TarWriter, type WrittenTar } from "./tar-writer.ts";
import { unreadableTar } from "./scan.ts";

const MARKER = { kind: "file", target: "", size: 0, mode: 0o600, uid: 0, gid: 0, mtime: 1 } as const;

/** Writes the layer as `plan` says to the new file `output`. The blob was checked when it was fetched. */
export async function rewriteLayer(
  fetched: FetchedLayer,
  plan: LayerPlan,
  output: string,
  signal: AbortSignal,
): Promise<WrittenTar> {
  const name = layerName(fetched.layer);
  const { dropped, latestTime } = fetched.scan;
  await using writer = await TarWriter.create(output);
  const packed = createReadStream(fetched.file, { signal, highWaterMark: 256 * 1024 });
  try {
    const { entries } = await readTar(packed, name);
    let index = -1;
    for await (const source of entries) {
      const entry = parseEntry(source.header, name);
      index++;
      if (dropped.has(index) || entry.kind === "device" || entry.kind === "fifo") {
        source.resume();
        continue;
      }
      const place = plan.moved.get(index) ?? entry;
      await writer.header({
        kind: entry.kind,
        path: place.path,
        target: place.target,
        size: entry.size,
        mode: entry.mode,
        uid: entry.uid,
        gid: entry.gid,
        mtime: Math.min(Math.max(entry.mtime, 1), latestTime),
      });
      for await (const chunk of source) if (chunk instanceof Uint8Array) await writer.content(chunk);
      await writer.pad(entry.size);
    }
    if (!plan.removalImage) await writeMarkers(writer, plan.removals);
    return await writer.finish();
  } catch (error) {
    signal.throwIfAborted();
    const told = await tellFullDisk(error, dirname(output), `rewriting ${name}`);
    throw told instanceof Error && "code" in told ? told : unreadableTar(name, told);
  } finally {
    packed.destroy();
  }
}

/** Writes the tar of a removal image: nothing but markers. */
export async function writeRemovals(removals: readonly string[], output: string): Promise<WrittenTar> {
  await using writer = await TarWriter.create(output);
  await writeMarkers(writer, removals);
  return await writer.finish();
}

async function writeMarkers(writer: TarWriter, removals: readonly string[]): Promise<void> {
  for (const path of removals) {
    const slash = path.lastIndexOf("/") + 1;
    await writer.header({ ...MARKER, path: `${path.slice(0, slash)}.wh.${path.slice(slash)}` });
  }
}
