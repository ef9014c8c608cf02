import type { NeutralPort } from "../neutral.ts";

const MAX_PORT = 65535;

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** `80` or `8000-8010`; undefined for anything else. */
export function parsePortRange(text: string): PortRange | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  return first <= last && last <= MAX_PORT ? { first, last } : undefined;
}

export type ExposedPort = Pick<NeutralPort, "container" | "count" | "protocol">;

/** Keys of Docker's and OCI's port maps: `80`, `80/udp`, `8000-8010/tcp`. Undefined for anything else. */
export function parsePortKey(key: string): ExposedPort | undefined {
  const [ports = "", protocol = "tcp", ...rest] = key.toLowerCase().split("/");
  const range = parsePortRange(ports);
  if (range === undefined || range.first === 0 || rest.length > 0) return undefined;
  if (protocol !== "tcp" && protocol !== "udp" && protocol !== "sctp") return undefined;
  return { container: range.first, count: range.last - range.first + 1, protocol };
}
