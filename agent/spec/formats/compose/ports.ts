// Ports of a service: `[[ip:]host:]container[/protocol]` with ranges, and the long form.
import { isIP } from "node:net";
import { z } from "zod";
import type { NeutralPort } from "../../neutral.ts";
import { scalar } from "./values.ts";

interface Range {
  readonly from: number;
  readonly to: number;
}

/** What a port of a Compose file says, or a sentence on what is wrong with it. */
type Parsed = NeutralPort | string;

const complainOr = (parsed: Parsed, ctx: z.RefinementCtx): NeutralPort => {
  if (typeof parsed !== "string") return parsed;
  ctx.addIssue({ code: "custom", message: parsed });
  return z.NEVER;
};

const shortPort = z
  .union([z.string(), z.number()])
  .transform((value, ctx) => complainOr(parsePort(String(value)), ctx));

const longPort = z
  .strictObject({
    target: scalar,
    published: scalar.optional(),
    host_ip: z.string().optional(),
    protocol: z.string().optional(),
    mode: z.enum(["host", "ingress"]).optional(),
    name: z.string().optional(),
    app_protocol: z.string().optional(),
  })
  .transform((port, ctx) =>
    complainOr(
      combine(port.target, port.published ?? "", port.host_ip ?? "", port.protocol ?? "tcp", port.name ?? null),
      ctx,
    ),
  );

export const portList = z.array(z.union([shortPort, longPort]));

export const exposeList = z.array(
  z.union([z.string(), z.number()]).transform((value, ctx) => {
    const { rest, protocol } = splitProtocol(String(value));
    const parsed = combine(rest, "", "", protocol, null);
    return complainOr(typeof parsed === "string" ? parsed : { ...parsed, host: null }, ctx);
  }),
);

function parsePort(text: string): Parsed {
  const { rest, protocol } = splitProtocol(text);
  // From the right: an IPv6 address without brackets has colons of its own.
  const parts = rest.split(":");
  const container = parts.pop() ?? "";
  const host = parts.pop() ?? "";
  return combine(container, host, parts.join(":").replace(/^\[(.*)\]$/, "$1"), protocol, null);
}

function combine(container: string, host: string, ip: string, protocol: string, name: string | null): Parsed {
  const inner = parseRange(container);
  if (inner === undefined) return `${JSON.stringify(container)} is not a port or a range of ports from 1 to 65535`;
  if (protocol !== "tcp" && protocol !== "udp" && protocol !== "sctp")
    return `the protocol ${JSON.stringify(protocol)} is not allowed; use tcp or udp`;
  if (ip !== "" && isIP(ip) === 0) return `${JSON.stringify(ip)} is not an IP address`;
  const base = {
    container: inner.from,
    count: inner.to - inner.from + 1,
    protocol,
    hostIp: ip === "" ? null : ip,
    name,
  } as const;
  if (host === "" || host === "0") return { ...base, host: 0 };
  const outer = parseRange(host);
  if (outer === undefined) return `${JSON.stringify(host)} is not a port or a range of ports from 1 to 65535`;
  const length = outer.to - outer.from + 1;
  if (length === base.count) return { ...base, host: outer.from };
  if (base.count === 1) return { ...base, host: outer.from, hostTo: outer.to };
  return `${length} host ports and ${base.count} container ports do not fit together`;
}

function splitProtocol(text: string): { rest: string; protocol: string } {
  const at = text.lastIndexOf("/");
  return at === -1 ? { rest: text, protocol: "tcp" } : { rest: text.slice(0, at), protocol: text.slice(at + 1) };
}

function parseRange(text: string): Range | undefined {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const from = Number(match?.[1]);
  const to = Number(match?.[2] ?? match?.[1]);
  return match && from >= 1 && to >= from && to <= 65535 ? { from, to } : undefined;
}
