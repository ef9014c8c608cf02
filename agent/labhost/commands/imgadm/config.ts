// /var/imgadm/imgadm.conf (imgadm.md 2): image sources and a few switches.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Lab } from "../../lab.ts";
import { ImgadmError } from "./errors.ts";

export interface Source {
  readonly type: "imgapi" | "docker" | "dsapi";
  /** As typed. */
  readonly url: string;
  readonly insecure?: true;
  readonly channel?: string;
}

export interface ImgadmConfig {
  readonly dockerImportSkipUuids?: boolean;
  readonly upgradedToVer?: string;
  readonly sources?: readonly Source[];
}

const DEFAULT_SOURCE: Source = { type: "imgapi", url: "https://images.smartos.org" };
const CONFIG_PATH = "/var/imgadm/imgadm.conf";

/** Makes the file when there is none, as imgadm's first run does. */
export async function loadConfig(lab: Lab): Promise<ImgadmConfig> {
  let text: string;
  try {
    text = await readFile(lab.path(CONFIG_PATH), "utf8");
  } catch {
    const fresh: ImgadmConfig = { dockerImportSkipUuids: true, upgradedToVer: "3.0.0" };
    await saveConfig(lab, fresh);
    return fresh;
  }
  try {
    return JSON.parse(text) as ImgadmConfig;
  } catch {
    throw new ImgadmError("ConfigError", `config file "${CONFIG_PATH}" is not valid JSON`);
  }
}

/** Rewritten in place, without a lock. */
export async function saveConfig(lab: Lab, config: ImgadmConfig): Promise<void> {
  const file = lab.path(CONFIG_PATH);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(config, null, 2)}\n`);
}

export function sourcesOf(config: ImgadmConfig): readonly Source[] {
  return config.sources ?? [DEFAULT_SOURCE];
}
