// Where a registry is spoken to, and how.
import type { Config } from "../../config/schema.ts";

export interface Endpoint {
  /** As in references: `docker.io`, `localhost:5000`; the mirror's own name for a mirror. Logins are kept under it. */
  readonly domain: string;
  /** `https://registry-1.docker.io`, without a trailing slash. */
  readonly origin: string;
  readonly plainHttp: boolean;
  /** Domain this one is a mirror of. */
  readonly mirrorOf?: string;
}

/** http for loopback and for registries listed as insecure, https for all others. */
export function registryEndpoint(domain: string, registries: Pick<Config["registries"], "insecure">): Endpoint {
  const plainHttp = isLoopback(hostOf(domain)) || registries.insecure.includes(domain);
  return { domain, origin: `${plainHttp ? "http" : "https"}://${connectedHost(domain)}`, plainHttp };
}

/**
 * All endpoints of a registry in the order they are asked: its mirrors, then itself. A loopback registry with
 * certificates configured is spoken to over https.
 */
export function registryEndpoints(domain: string, registries: Config["registries"]): readonly Endpoint[] {
  const mirrors = registries.hosts[domain]?.mirrors ?? [];
  return [
    ...mirrors.map((mirror) => ({ ...configuredEndpoint(mirror, registries), mirrorOf: domain })),
    configuredEndpoint(domain, registries),
  ];
}

function configuredEndpoint(domain: string, registries: Config["registries"]): Endpoint {
  const endpoint = registryEndpoint(domain, registries);
  const settings = registries.hosts[domain];
  const hasTls = settings?.ca !== undefined || settings?.cert !== undefined;
  if (!endpoint.plainHttp || !hasTls || registries.insecure.includes(domain)) return endpoint;
  return { ...endpoint, origin: endpoint.origin.replace("http:", "https:"), plainHttp: false };
}

/** Docker's hub answers under another name than the one in references. */
export function connectedHost(domain: string): string {
  return domain === "docker.io" ? "registry-1.docker.io" : domain;
}

/** Host of `host[:port]`, brackets of an IPv6 address kept off. */
export function hostOf(authority: string): string {
  const match = /^\[([^\]]+)\](?::\d+)?$/.exec(authority) ?? /^([^:]*)(?::\d+)?$/.exec(authority);
  return (match?.[1] ?? authority).toLowerCase();
}

/** True for what never leaves this machine: no TLS is needed and no proxy is asked. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Addresses a registry elsewhere has no business to send us to: loopback, link-local (E2). */
export function isPrivateToNode(host: string): boolean {
  return isLoopback(host) || /^169\.254\./.test(host) || /^fe[89ab][0-9a-f]:/.test(host) || host === "0.0.0.0";
}
