// Published ports, told from firewall rules: a zone has its own address, so "published" means "open to anybody"
// (sdc-docker.md 14, 21). Whether a rule is enabled is not looked at, as by the predecessor.

/** Ports of one container, in the order they were found. */
export interface PortSets {
  readonly tcp: ReadonlySet<number>;
  readonly udp: ReadonlySet<number>;
}

export const PROTOCOLS = ["tcp", "udp"] as const;
const MAX_PORT = 65535;

export function publishedPorts(uuid: string, rules: readonly string[]): PortSets {
  const open = { tcp: new Set<number>(), udp: new Set<number>() };
  for (const rule of rules) {
    const match = /^FROM any TO vm (\S+) ALLOW (tcp|udp) (.+)$/i.exec(rule.trim());
    if (match?.[1]?.toLowerCase() !== uuid) continue;
    const ports = open[match[2]?.toLowerCase() === "udp" ? "udp" : "tcp"];
    for (const [first, last] of portRanges(match[3] ?? ""))
      for (let port = first; port <= last; port++) ports.add(port);
  }
  return open;
}

/** `PORT 80`, `(PORT 80 AND PORT 443)`, `PORTS 22, 95 - 104`; nothing for `PORT all` and for what is none of these. */
function portRanges(text: string): (readonly [number, number])[] {
  const list = /^PORTS (.+)$/i.exec(text)?.[1];
  if (list !== undefined) {
    const ranges = list.split(",").map((item) => /^\s*(\d+)(?:\s*-\s*(\d+))?\s*$/.exec(item));
    return ranges.flatMap((range) => (range ? rangeOf(range[1], range[2] ?? range[1]) : []));
  }
  const parts = text.replace(/^\((.*)\)$/, "$1").split(/\s+AND\s+/i);
  return parts.flatMap((part) => {
    const port = /^\s*PORT (\d+)\s*$/i.exec(part)?.[1];
    return rangeOf(port, port);
  });
}

function rangeOf(from: string | undefined, to: string | undefined): (readonly [number, number])[] {
  const [first, last] = [Number(from ?? 0), Number(to ?? 0)];
  return first >= 1 && last <= MAX_PORT && first <= last ? [[first, last]] : [];
}
