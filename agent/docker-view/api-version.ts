// Version of Docker's remote API in a request's path (sdc-docker.md 25). Compared as numbers, part by part: 1.9 is older
// than 1.20, and 1.100 newer.
import { refusal } from "./refusal.ts";

export interface ApiVersion {
  readonly major: number;
  readonly minor: number;
}

export const DEFAULT_API: ApiVersion = { major: 1, minor: 21 };
const MINIMUM_API: ApiVersion = { major: 1, minor: 20 };

/** Is `version` at least `other`? */
export function isAtLeast(version: ApiVersion, other: ApiVersion): boolean {
  return version.major > other.major || (version.major === other.major && version.minor >= other.minor);
}

export function apiVersionText({ major, minor }: ApiVersion): string {
  return `${major}.${minor}`;
}

/** `/v1.24`; none is the default. Raises USAGE for what is no version and for one that is too old. */
export function requestedApiVersion(pathPrefix: string | undefined): ApiVersion {
  if (pathPrefix === undefined) return DEFAULT_API;
  const match = /^\/v(\d{1,4})(?:\.(\d{1,4}))?$/.exec(pathPrefix);
  if (!match)
    throw refusal(
      "USAGE",
      `client and server don't have same API version (client : ${pathPrefix}, server: ${apiVersionText(DEFAULT_API)})`,
      { status: 400, code: "InvalidVersion" },
    );
  const version = { major: Number(match[1]), minor: Number(match[2] ?? 0) };
  if (!isAtLeast(version, MINIMUM_API))
    throw refusal(
      "USAGE",
      `client API version (${apiVersionText(version)}) is less than the minimum required API version (${apiVersionText(MINIMUM_API)})`,
      { status: 400, code: "InvalidVersion" },
    );
  return version;
}
