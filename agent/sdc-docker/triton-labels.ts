// Labels `triton.*` have a type each (sdc-docker.md 11).

export type TagValue = string | number | boolean;
export type TritonTag = { readonly value: TagValue } | { readonly fault: string };

const HOST = /^(?=.{1,255}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*\.?$/i;
const SERVICE_NAME = /^(?:[a-zA-Z0-9-][a-zA-Z0-9-.]*|_[a-zA-Z0-9-]+\._(?:tcp|udp))$/;
const GROUP = /^[a-zA-Z0-9_-]{1,100}$/;
const MAX_GROUPS = 100;

type Type = (key: string, text: string) => TritonTag;

const asText: Type = (_, value) => ({ value });
const asBoolean: Type = (key, text) =>
  text === "true" || text === "false"
    ? { value: text === "true" }
    : { fault: `Triton tag "${key}" value must be "true" or "false": ${JSON.stringify(text)}` };
const asNumber: Type = (key, text) =>
  text.trim() !== "" && Number.isFinite(Number(text))
    ? { value: Number(text) }
    : { fault: `Triton tag "${key}" value must be a number: ${JSON.stringify(text)}` };

const TYPES: Readonly<Record<string, Type>> = {
  "triton.cns.disable": asBoolean,
  "triton.cns.services": (key, value) => {
    const wrong = value.split(",").find((service) => !isService(service));
    return wrong === undefined ? { value } : { fault: `invalid "${key}" tag: ${JSON.stringify(wrong)} is no service` };
  },
  "triton.cns.reverse_ptr": (key, value) =>
    HOST.test(value) ? { value } : { fault: `invalid "${key}" tag: "${value}" is not DNS safe` },
  "triton.network.public": asText,
  "triton.cmon.groups": (key, value) => {
    const groups = value.split(",");
    const fine = groups.every((group) => GROUP.test(group)) && new Set(groups).size === groups.length;
    return fine && groups.length <= MAX_GROUPS
      ? { value }
      : { fault: `invalid "${key}" tag: ${JSON.stringify(value)}` };
  },
  "triton.placement.exclude_virtual_servers": asBoolean,
  "triton._test.string": asText,
  "triton._test.number": asNumber,
  "triton._test.boolean": asBoolean,
};

export function parseTritonTag(key: string, text: string): TritonTag {
  const type = Object.hasOwn(TYPES, key) ? TYPES[key] : undefined;
  return type === undefined ? { fault: `Unrecognized special triton tag "${key}"` } : type(key, text);
}

/** `name[:port](:key=value)*` */
function isService(text: string): boolean {
  const [name = "", ...more] = text.split(":");
  const port = more[0] !== undefined && /^\d+$/.test(more[0]) ? Number(more.shift()) : 1;
  return (
    name.length <= 63 &&
    SERVICE_NAME.test(name) &&
    port >= 1 &&
    port <= 65535 &&
    more.every((pair) => {
      const number = /^(?:priority|weight)=(\d{1,5})$/.exec(pair)?.[1];
      return number !== undefined && Number(number) <= 65535;
    })
  );
}
