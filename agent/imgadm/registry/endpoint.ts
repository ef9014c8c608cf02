// Where a registry is spoken to, and how.
import type { Config } from "../../config/schema.ts";

export interface Endpoint {
  /** As in references: `docker.io`, `localhost:5000`. */
  readonly domain: string;
  /** `https://registry-1.docker.io`, without a trailing slash. */
  readonly origin: string;
  readonly plainHttp: boolean;
}

/** http for loopback and for registries listed as insecure, https for all others. Mirrors will be chosen here. */
export function registryEndpoint(domain: string, registries: Config["registries"]): Endpoint {
  const plainHttp = isLoopback(hostOf(domain)) || registries.insecure.includes(domain);
  const host = domain === "docker.io" ? "registry-1.docker.io" : domain;
  return { domain, origin: `${plainHttp ? "http" : "https"}://${host}`, plainHttp };
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
