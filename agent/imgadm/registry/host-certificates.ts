// Private authorities and client certificates of single registries (`registries.hosts` of the configuration).
import { readFileSync, statSync } from "node:fs";
// Not by name: an older node would fail on the import before it could say that it is too old.
import tls from "node:tls";
import type { Config } from "../../config/schema.ts";
import { AgentError } from "../../errors/agent-error.ts";
import { connectedHost } from "./endpoint.ts";

export interface HostCertificates {
  readonly ca?: string[];
  readonly cert?: string;
  readonly key?: string;
}

/** By the authority of a URL (`host`, or `host:port` where it is not 443). Reads nothing yet. */
export function certificatesByHost(registries: Pick<Config["registries"], "hosts">): {
  /** What is configured for a host; CONFIG_INVALID where its files cannot be used. */
  of(authority: string): HostCertificates | undefined;
} {
  const settings = new Map(
    Object.entries(registries.hosts).map(([domain, each]) => [
      new URL(`https://${connectedHost(domain)}`).host,
      { domain, ...each },
    ]),
  );
  return {
    of: (authority) => {
      const found = settings.get(authority);
      if (found === undefined || (found.ca === undefined && found.cert === undefined)) return undefined;
      const { domain, ca, cert, key } = found;
      return {
        // Docker, too, adds them to the known ones: a private registry may send layers from a public store.
        ...(ca === undefined ? {} : { ca: [...tls.getCACertificates("default"), pem(domain, "ca", ca)] }),
        ...(cert === undefined ? {} : { cert: pem(domain, "cert", cert) }),
        ...(key === undefined ? {} : { key: privateKey(domain, key) }),
      };
    },
  };
}

function pem(domain: string, what: string, file: string): string {
  const text = read(domain, what, file);
  if (/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/.test(text)) return text;
  throw invalid(domain, what, `${file} holds no PEM certificate`);
}

function privateKey(domain: string, file: string): string {
  const text = read(domain, "key", file);
  if (!/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) throw invalid(domain, "key", `${file} holds no PEM key`);
  if ((statSync(file).mode & 0o077) !== 0)
    throw new AgentError("FILE_DENIED", `${file} can be read by others than its owner`, {
      hint: `it is a private key: chmod 600 ${file}`,
    });
  return text;
}

function read(domain: string, what: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw invalid(domain, what, `${file} cannot be read`, error);
  }
}

function invalid(domain: string, what: string, why: string, cause?: unknown): AgentError {
  return new AgentError("CONFIG_INVALID", `registries.hosts.${domain}.${what}: ${why}`, { cause });
}
