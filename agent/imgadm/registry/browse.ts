// What a registry has: its repositories, and the tags of one with what is behind them.
import { z } from "zod";
import { AgentError } from "../../errors/agent-error.ts";
import type { ErrorCode } from "../../errors/codes.ts";
import { LIMITS } from "../limits.ts";
import { parseImageDocument, parseJson, parseWith } from "../oci/documents.ts";
import { offeredPlatforms, platformText, runnableEntries } from "../oci/platform.ts";
import { parseConfiguration } from "../oci/resolve.ts";
import { parseReference, type ImageReference } from "../reference.ts";
import type { RegistryAccess } from "./access.ts";
import { RepositoryClient } from "./client.ts";
import type { Asked } from "./failures.ts";
import type { HostClient } from "./host-client.ts";
import { RegistryHosts } from "./mirrors.ts";

export interface TagListing {
  readonly tag: string;
  readonly digest?: string;
  /** `linux/amd64`, …; of all images behind the tag. */
  readonly platforms: readonly string[];
  /** Compressed bytes of the image that would run here. */
  readonly size?: number;
  readonly created?: string;
  /** Why nothing more is known of it. */
  readonly problem?: string;
}

/** A registry that goes on longer is not listed further. */
const MAX_PAGES = 200;
const PAGE = 500;
/** Tags that are looked at side by side. */
const CONCURRENCY = 4;

const WHOLE_REGISTRY: ReadonlySet<string> = new Set<ErrorCode>(["REGISTRY_LIMIT", "REGISTRY_UNREACHABLE", "CANCELLED"]);

const catalogSchema = z.object({ repositories: z.array(z.string()).nullish() });
const tagsSchema = z.object({ tags: z.array(z.string()).nullish() });

/** All repositories, sorted. */
export async function listRepositories(
  domain: string,
  access: RegistryAccess,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const asked: Asked = {
    what: `the repositories of ${domain}`,
    repository: "its list of repositories",
    object: "catalog",
  };
  return new RegistryHosts(domain, access).first(async (host) => {
    const names = await pages(host, "_catalog", "registry:catalog:*", asked, signal, (json) => {
      return parseWith(catalogSchema, json, asked.what).repositories ?? [];
    });
    return names.sort();
  });
}

export interface TagsQuery {
  readonly access: RegistryAccess;
  readonly limit: number;
  readonly only: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/** Tags in natural order, newest numbers first; at most `limit` of them, and how many more there are. */
export async function listTags(
  reference: ImageReference,
  { access, limit, only, signal }: TagsQuery,
): Promise<{ readonly tags: readonly TagListing[]; readonly more: number }> {
  const { domain, path } = reference;
  const hosts = new RegistryHosts(domain, access);
  const asked: Asked = { what: `${domain}/${path}`, repository: path, object: "tags" };
  const names =
    only === undefined
      ? await hosts.first((host) =>
          pages(host, `${path}/tags/list`, `repository:${path}:pull`, asked, signal, (json) => {
            return parseWith(tagsSchema, json, `tags of ${asked.what}`).tags ?? [];
          }),
        )
      : [only];
  const order = new Intl.Collator("en", { numeric: true });
  const chosen = names.toSorted((a, b) => order.compare(b, a)).slice(0, limit);
  const tags = new Map<string, TagListing>();
  const pending = chosen.values();
  const worker = async (): Promise<void> => {
    for (const tag of pending) tags.set(tag, await describeTag(reference, tag, access, hosts, signal));
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  return { tags: chosen.flatMap((tag) => tags.get(tag) ?? []), more: names.length - chosen.length };
}

async function describeTag(
  { domain, path }: ImageReference,
  tag: string,
  access: RegistryAccess,
  hosts: RegistryHosts,
  signal: AbortSignal | undefined,
): Promise<TagListing> {
  try {
    return await lookBehind(parseReference(`${domain}/${path}:${tag}`), tag, access, hosts, signal);
  } catch (error) {
    // One odd tag must not hide the others; what concerns the registry as a whole ends the listing.
    if (!(error instanceof AgentError) || WHOLE_REGISTRY.has(error.code)) throw error;
    return { tag, platforms: [], problem: error.message };
  }
}

async function lookBehind(
  reference: ImageReference,
  tag: string,
  access: RegistryAccess,
  hosts: RegistryHosts,
  signal: AbortSignal | undefined,
): Promise<TagListing> {
  const repository = new RepositoryClient(reference, access, hosts);
  const root = await repository.root(signal);
  const outer = parseImageDocument(root.bytes, root.contentType, `manifest of ${reference.familiar}`);
  let manifest = outer.kind === "manifest" ? outer.manifest : undefined;
  const platforms = outer.kind === "index" ? offeredPlatforms(outer.index.manifests) : [];
  if (outer.kind === "index") {
    const [entry] = runnableEntries(outer.index.manifests);
    if (entry === undefined) return { tag, digest: root.digest, platforms };
    const bytes = await repository.document(entry, LIMITS.manifest, signal);
    const inner = parseImageDocument(bytes, entry.mediaType, `manifest of ${reference.familiar}`);
    if (inner.kind === "manifest") ({ manifest } = inner);
  }
  if (manifest === undefined) return { tag, digest: root.digest, platforms };
  const configuration = parseConfiguration(
    await repository.document(manifest.config, LIMITS.config, signal),
    reference.familiar,
  );
  const own = platformText({
    os: configuration.os ?? "",
    architecture: configuration.architecture ?? "",
    variant: configuration.variant,
  });
  return {
    tag,
    digest: root.digest,
    platforms: platforms.length > 0 ? platforms : [own],
    size: manifest.layers.reduce((sum, { size }) => sum + size, 0),
    ...(configuration.created === undefined ? {} : { created: configuration.created }),
  };
}

/** All pages of a list: `Link: <…>; rel="next"` leads on, within the same registry only. */
async function pages(
  host: HostClient,
  path: string,
  scope: string,
  asked: Asked,
  signal: AbortSignal | undefined,
  read: (json: unknown) => readonly string[],
): Promise<string[]> {
  const names: string[] = [];
  let next: string | undefined = `${path}?n=${PAGE}`;
  for (let page = 0; next !== undefined && page < MAX_PAGES; page++) {
    const answer = await host.get({ path: next, scope, headers: { accept: "application/json" }, asked, signal });
    const body = await answer.read(LIMITS.manifest);
    if (body === undefined) throw new AgentError("REGISTRY_PROTOCOL", `${asked.what}: a page is larger than 4 MiB`);
    names.push(...read(parseJson(body, asked.what)));
    next = nextPage(answer.header("link"), host.url(next));
  }
  return names;
}

/** What follows `/v2/` in the URL of the next page; undefined at the end, or where it would lead elsewhere. */
export function nextPage(link: string | undefined, current: URL): string | undefined {
  const match = link === undefined ? null : /<([^>]*)>\s*;[^,]*\brel="?next"?/i.exec(link);
  const url = match?.[1] === undefined ? null : URL.parse(match[1], current.href);
  if (url?.origin !== current.origin || !url.pathname.startsWith("/v2/")) return undefined;
  return `${url.pathname.slice("/v2/".length)}${url.search}`;
}
