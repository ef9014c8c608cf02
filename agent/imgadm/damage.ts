import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { HostPaths } from "../host/paths.ts";

const DATABASE = "/var/imgadm/images";

/**
 * Files of imgadm's database that are no JSON. One such file makes list and get crash
 * for every image (imgadm.md 2), and the crash does not name it. Empty where nothing is wrong or can be read.
 */
export async function findDamagedManifests(paths: HostPaths): Promise<string[]> {
  const directory = paths.inGlobalZone(DATABASE);
  const names = await readdir(directory).catch((): string[] => []);
  const damaged: string[] = [];
  for (const name of names.filter((file) => file.endsWith(".json")).sort()) {
    try {
      JSON.parse(await readFile(join(directory, name), "utf8"));
    } catch (error) {
      if (error instanceof SyntaxError) damaged.push(join(directory, name));
    }
  }
  return damaged;
}
