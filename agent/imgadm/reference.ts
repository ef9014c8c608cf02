// Image references as the distribution project writes them: `[domain/]path[:tag][@digest]` (container-specs.md 10.1).
import { AgentError } from "../errors/agent-error.ts";
import { isDigest, type Digest } from "../util/ids.ts";

/** A parsed reference. Only {@link parseReference} makes one, so its parts may go into a URL path. */
export interface ImageReference {
  /** `docker.io`, `quay.io`, `localhost:5000`; a host and an optional port. */
  readonly domain: string;
  /** `library/nginx`, `team/demo`. */
  readonly path: string;
  /** Absent when only a digest was given; `latest` when neither was. */
  readonly tag: string | undefined;
  /** Decides where present; the tag beside it is then only a remark. */
  readonly digest: Digest | undefined;
  /** The full name under which a record remembers the image: `docker.io/library/nginx:1.27`, `quay.io/a/b@sha256:…`. */
  readonly canonical: string;
  /** What a person would type: `nginx:1.27`. */
  readonly familiar: string;
}

const DEFAULT_DOMAIN = "docker.io";
const OFFICIAL = "library/";
const HOST =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[0-9a-fA-F:]+\])(?::([0-9]+))?$/;
const COMPONENT = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const TAG = /^\w[\w.-]{0,127}$/;
const MAX_PATH = 255;
/** Longer than any valid reference; nothing beyond it is looked at. */
const MAX_TEXT = 1024;

/** Parses what a person typed. Throws IMAGE_REFERENCE_INVALID saying which part is wrong. */
export function parseReference(text: string): ImageReference {
  if (text === "") throw invalid(text, "it is empty");
  if (text.length > MAX_TEXT) throw invalid(`${text.slice(0, 60)}…`, `it is longer than ${MAX_TEXT} characters`);
  if (/\s/.test(text)) throw invalid(text, "it contains white space");
  if (/^[a-z]+:\/\//.test(text))
    throw invalid(text, "it is a URL", `write it without the scheme: ${text.replace(/^[a-z]+:\/\//, "")}`);
  if (/^[0-9a-f]{64}$/.test(text))
    throw invalid(text, "64 hex digits name a digest, not a repository", `did you mean sha256:${text}?`);

  const at = text.indexOf("@");
  const digest = at === -1 ? undefined : parseDigest(text, text.slice(at + 1));
  const named = at === -1 ? text : text.slice(0, at);
  const { domain, rest } = splitDomain(text, named);
  const colon = rest.indexOf(":");
  const tag = colon === -1 ? (digest === undefined ? "latest" : undefined) : rest.slice(colon + 1);
  if (tag !== undefined && !TAG.test(tag))
    throw invalid(
      text,
      tag === "" ? "the tag after `:` is missing" : `"${tag}" is not a tag`,
      "a tag is up to 128 letters, digits, `_`, `.` or `-`",
    );
  const path = checkPath(text, domain, colon === -1 ? rest : rest.slice(0, colon));
  return build(domain, path, tag, digest);
}

/**
 * The registry a person named: `host[:port]`, also as the URL docker users type. IMAGE_REFERENCE_INVALID for anything
 * else.
 */
export function parseRegistry(text: string): string {
  const host = text.replace(/^https?:\/\//, "").replace(/\/(?:v[12]\/?)?$/, "");
  const match = text.length > MAX_TEXT ? null : HOST.exec(host);
  if (match === null || (match[1] !== undefined && Number(match[1]) > 65535))
    throw new AgentError("IMAGE_REFERENCE_INVALID", `"${text.slice(0, 60)}" is not a registry's host[:port]`, {
      hint: "write it as in image references: docker.io, registry.example.com:5000",
    });
  return host === "index.docker.io" || host === "registry-1.docker.io" ? DEFAULT_DOMAIN : host;
}

/** True for text that names a registry and no repository in it. */
export function isRegistryAlone(text: string): boolean {
  return (
    !text
      .replace(/^https?:\/\//, "")
      .replace(/\/$/, "")
      .includes("/") &&
    (/[.:[]/.test(text) || text === "localhost")
  );
}

/** Domain and path of a canonical reference. */
export function repositoryOf(canonical: string): string {
  const { domain, path } = parseReference(canonical);
  return `${domain}/${path}`;
}

function build(domain: string, path: string, tag: string | undefined, digest: Digest | undefined): ImageReference {
  const suffix = digest === undefined ? `:${tag ?? "latest"}` : `@${digest}`;
  const short =
    domain !== DEFAULT_DOMAIN
      ? `${domain}/${path}`
      : path.startsWith(OFFICIAL) && !path.slice(OFFICIAL.length).includes("/")
        ? path.slice(OFFICIAL.length)
        : path;
  return { domain, path, tag, digest, canonical: `${domain}/${path}${suffix}`, familiar: `${short}${suffix}` };
}

function splitDomain(text: string, named: string): { domain: string; rest: string } {
  const slash = named.indexOf("/");
  const first = slash === -1 ? "" : named.slice(0, slash);
  const isDomain = /[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase();
  if (!isDomain) return { domain: DEFAULT_DOMAIN, rest: named };
  const host = HOST.exec(first);
  if (host === null || (host[1] !== undefined && Number(host[1]) > 65535))
    throw invalid(text, `"${first}" is not a registry's host[:port]`);
  return {
    domain: first === "index.docker.io" ? DEFAULT_DOMAIN : first,
    rest: named.slice(slash + 1),
  };
}

function checkPath(text: string, domain: string, path: string): string {
  if (path === "") throw invalid(text, "the repository's name is missing");
  if (path !== path.toLowerCase())
    throw invalid(text, `the repository "${path}" has upper-case letters`, `did you mean "${path.toLowerCase()}"?`);
  for (const component of path.split("/")) {
    if (COMPONENT.test(component)) continue;
    throw invalid(
      text,
      component === ""
        ? "there is an empty part between slashes"
        : `"${component}" is not a part of a repository's name`,
      "parts are lower-case letters and digits, separated inside by `.`, `_`, `__` or `-`",
    );
  }
  const full = domain === DEFAULT_DOMAIN && !path.includes("/") ? `${OFFICIAL}${path}` : path;
  if (full.length > MAX_PATH) throw invalid(text, `the repository's name is longer than ${MAX_PATH} characters`);
  return full;
}

function parseDigest(text: string, digest: string): Digest {
  if (isDigest(digest)) return digest;
  if (/^sha512:[0-9a-f]{128}$/.test(digest))
    throw new AgentError("IMAGE_UNSUPPORTED", `image reference "${text}": only sha256 digests can be used here`, {
      hint: "imgadm names layers by their sha256; ask the registry for the sha256 digest",
    });
  throw invalid(text, `"${digest}" is not a digest`, "a digest is `sha256:` and 64 lower-case hex digits");
}

function invalid(text: string, why: string, hint?: string): AgentError {
  return new AgentError(
    "IMAGE_REFERENCE_INVALID",
    `image reference "${text}" is not valid: ${why}`,
    hint === undefined ? {} : { hint },
  );
}
