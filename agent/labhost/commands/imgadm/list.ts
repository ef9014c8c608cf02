// imgadm list (imgadm.md 3.3).
import type { CommandContext } from "../../command.ts";
import { dockerTags, imageRow, parseFilter } from "./fields.ts";
import { plainInfo } from "./lookup.ts";
import { HELP, parseOptions, TABLE_OPTIONS } from "./options.ts";
import { loadImages, type InstalledImage } from "./state.ts";
import { formatTable, sortRows, splitList, type Row } from "./table.ts";

const DEFAULT_COLUMNS = "uuid,name,version,os,type,pub";
const DEFAULT_SORT = "published_at,name";
const DOCKER_COLUMNS = ["uuid", "repository", "tag", "image_id", "created"];

interface Listed {
  readonly image: InstalledImage;
  readonly row: Row;
}

export async function list(context: CommandContext, args: readonly string[]): Promise<number> {
  const { lab } = context;
  const options = parseOptions(args, [HELP, ...TABLE_OPTIONS, { names: ["--docker"] }]);
  const filters = options.operands.map(parseFilter);
  await lab.failpoints.hit("imgadm.list.begin");
  const images = await loadImages(lab);
  if (options.has("-j") && filters.length === 0) {
    // The one way that does not look at docker:id.
    const sorted = sortRows(
      images.map((image) => ({ ...image.manifest, image })),
      splitList(options.value("-s") ?? DEFAULT_SORT),
    );
    context.out(
      `${JSON.stringify(
        sorted.map(({ image }) => jsonElement(image, image.manifest)),
        null,
        2,
      )}\n`,
    );
  } else {
    const listed = images
      .map((image): Listed => ({ image, row: imageRow(image) }))
      .filter(({ row }) => filters.every((matches) => matches(row)));
    if (options.has("-j")) {
      // With a filter imgadm leaves the computed fields in the manifest.
      context.out(
        `${JSON.stringify(
          listed.map(({ image, row }) => jsonElement(image, row)),
          null,
          2,
        )}\n`,
      );
    } else if (options.has("--docker")) {
      context.out(formatTable(DOCKER_COLUMNS, dockerRows(listed, images), !options.has("-H")));
    } else {
      const rows = sortRows(
        listed.map(({ row }) => row),
        splitList(options.value("-s") ?? DEFAULT_SORT),
      );
      context.out(formatTable(splitList(options.value("-o") ?? DEFAULT_COLUMNS), rows, !options.has("-H")));
    }
  }
  await lab.failpoints.hit("imgadm.list.end");
  return 0;
}

function jsonElement(image: InstalledImage, manifest: Row): object {
  return {
    ...plainInfo(image),
    manifest,
    cloneNames: image.cloneNames,
    clones: image.cloneNames.length,
  };
}

/** One row per tag of docker images that are nobody's origin. */
function dockerRows(listed: readonly Listed[], images: readonly InstalledImage[]): Row[] {
  const origins = new Set(images.map((image) => image.manifest["origin"]));
  return listed
    .filter(({ row }) => row["type"] === "docker" && !origins.has(row["uuid"]))
    .flatMap(({ row }) =>
      dockerTags(row["tags"] as Readonly<Record<string, unknown>>).map((tag) => ({
        uuid: row["uuid"],
        repository: row["docker_repo"],
        tag,
        image_id: row["docker_short_id"],
        created: row["published"],
      })),
    );
}
