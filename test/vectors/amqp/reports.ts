// Heartbeats, status and sysinfo.
import { z } from "zod";
import { FIRST_STATE, heartbeat, type HeartbeatEvent } from "../../../agent/amqp/dialect/heartbeat.ts";
import { controlQueues, pingKey } from "../../../agent/amqp/dialect/keys.ts";
import { pong } from "../../../agent/amqp/dialect/ping.ts";
import type { OutgoingMessage } from "../../../agent/amqp/routing.ts";
import type { NodeFacts } from "../../../agent/amqp/status/facts.ts";
import { describeNode } from "../../../agent/amqp/status/node-description.ts";
import { heartbeatBody, statusBody } from "../../../agent/amqp/status/status-body.ts";
import { isUuid } from "../../../agent/util/ids.ts";
import { vmObjectSchema } from "../../../agent/vmadm/schema.ts";
import type { Difference } from "../vector.ts";
import type { BusCase, Judge } from "./amqp.ts";
import { demand, differences, written } from "./compare.ts";

const AT = new Date("2014-05-01T10:00:00.123Z");
const bytes = z.union([z.number(), z.string().regex(/^\d+$/).transform(Number)]);
const dataset = z.looseObject({ used: bytes, quota: bytes.optional(), volsize: bytes.optional() });
const pool = z
  .object({
    used_bytes: z.number(),
    available_bytes: z.number(),
    used: z.number(),
    available: z.number(),
    health: z.string(),
  }) // prettier-ignore
  .partial();
const factsSchema = z.looseObject({
  vms: z.array(z.unknown()),
  pools: z.record(z.string(), pool),
  datasets: z.record(z.string(), dataset),
  zone_devices: z.record(z.string(), z.array(z.string())).default({}),
  installed_image_manifests: z.record(z.string(), z.looseObject({})).optional(),
  boot_time: bytes,
  meminfo: z.object({ availrmem_bytes: z.number(), arcsize_bytes: z.number(), total_bytes: z.number() }).optional(),
  kstat: z.record(z.string(), z.record(z.string(), z.number())).default({}),
});

function factsOf(given: unknown): NodeFacts {
  const facts = factsSchema.parse(given);
  const zones = facts.vms.map((vm) => {
    const zone = vmObjectSchema.parse(vm);
    const devices = facts.zone_devices[zone.uuid];
    return devices === undefined ? zone : { ...zone, disks: devices.map((path) => ({ path })) };
  });
  const uuids = new Set<string>(zones.map(({ uuid }) => uuid));
  // The heartbeater went by names alone; cn-agent by manifests with more than a uuid.
  const named = Object.keys(facts.datasets).flatMap((name) => (/^zones\/[^/]*$/.test(name) ? [name.slice(6)] : []));
  const manifests = facts.installed_image_manifests;
  const images = manifests === undefined
    ? named.filter((name) => isUuid(name) && !uuids.has(name))
    : Object.entries(manifests).flatMap(([uuid, manifest]) => (Object.keys(manifest).length > 1 ? [uuid] : [])); // prettier-ignore
  const page = 4096;
  const { availrmem = 0, pagestotal = 0 } = facts.kstat["unix:0:system_pages"] ?? {};
  return {
    zones,
    pools: new Map(
      Object.entries(facts.pools).map(([name, one]) => [
        name,
        {
          usedBytes: one.used_bytes ?? one.used ?? 0,
          availableBytes: one.available_bytes ?? one.available ?? 0,
          health: one.health ?? "ONLINE",
        },
      ]),
    ),
    datasets: new Map(
      Object.entries(facts.datasets).map(([name, { used, quota, volsize }]) => [
        name,
        { usedBytes: used, quotaBytes: quota, volumeBytes: volsize },
      ]),
    ),
    installedImages: new Set(images),
    memory: {
      availableBytes: facts.meminfo?.availrmem_bytes ?? availrmem * page,
      arcBytes: facts.meminfo?.arcsize_bytes ?? facts.kstat["zfs:0:arcstats"]?.["size"] ?? 0,
      totalBytes: facts.meminfo?.total_bytes ?? pagestotal * page,
    },
    bootedAt: new Date(facts.boot_time * 1000),
    at: AT,
  };
}

const diskSchema = z.record(z.string(), z.number());

/** The figures a right agent tells where the predecessor's were wrong. */
const RIGHT_FIGURES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "hardware VM, and a hidden VM": {
    kvm_quota_bytes: 10_737_418_240,
    kvm_quota_used_bytes: 1_000_000,
    system_used_bytes: 200e9 - (20e9 + 1e6 + 570e6 + 24_576 + 300e6),
  },
  "no VM on the node": { installed_images_used_bytes: 300e6, system_used_bytes: 200e9 - 300e6 },
  // Its disk lies inside its dataset: 11 GB in all, none of it twice.
  "bhyve VM": {
    kvm_zvol_used_bytes: 10_737_418_240,
    kvm_zvol_volsize_bytes: 10_737_418_240,
    kvm_quota_bytes: 2_147_483_648,
    kvm_quota_used_bytes: 11_000_000_000 - 10_737_418_240,
    zone_quota_bytes: 0,
    zone_quota_used_bytes: 0,
    system_used_bytes: 189e9,
  },
};

function rightFigures({ name, verdict }: BusCase, recorded: unknown): Record<string, number> {
  if (verdict === "defect" && RIGHT_FIGURES[name] === undefined) throw new Error("no figures known for this defect");
  return { ...diskSchema.parse(recorded), ...(verdict === "defect" ? RIGHT_FIGURES[name] : {}) };
}

export const judgeCnAgentStatus: Judge = (one) => ({
  without: "the commands that are run",
  check: () => {
    const { status } = z.object({ status: z.looseObject({ diskinfo: z.unknown() }) }).parse(one.expect);
    return differences({ ...status, diskinfo: rightFigures(one, status.diskinfo) }, statusBody(factsOf(one.given)));
  },
});

const message = z.object({
  routing_key: z.string(),
  body: z.unknown().optional(),
  exchange: z.string(),
  properties: z.unknown(),
});
const cycleSchema = z.object({
  event: z.enum(["ping_interval", "max_interval", "zoneevent", "etc_zones", "message", "set"]),
  messages: z.array(message).default([]),
  queue: z.string().optional(),
  body: z.unknown().optional(),
  now: z.looseObject({ vm_lookup: z.string().optional() }).optional(),
});

export const judgeHeartbeat: Judge = (one) => ({
  check: () => {
    const { server_uuid: server } = z.looseObject({ server_uuid: z.string() }).parse(one.given);
    const { cycles } = z.looseObject({ cycles: z.array(cycleSchema) }).parse(one.expect);
    const facts = factsOf(one.given);
    const found: Difference[] = [];
    let state = FIRST_STATE;
    let lookupFails = false;
    let before: unknown;
    for (const [i, cycle] of cycles.entries()) {
      const step = (event: HeartbeatEvent): readonly OutgoingMessage[] => {
        const next = heartbeat(server, state, event);
        state = next.state;
        if (next.sample)
          step(lookupFails ? { kind: "sampling-failed" } : { kind: "sampled", body: heartbeatBody(facts) });
        return next.messages;
      };
      const got = ((): readonly OutgoingMessage[] => {
        if (cycle.event === "ping_interval") return step({ kind: "cycle" });
        if (cycle.event === "set") {
          lookupFails = cycle.now?.vm_lookup === "fails";
          return [];
        }
        if (cycle.event !== "message") return step({ kind: "changed" });
        found.push(
          ...demand(
            "one of our queues",
            controlQueues(server).some(({ name }) => name === cycle.queue),
          ),
        );
        if (cycle.queue !== pingKey("heartbeat", server)) return step({ kind: "asked" });
        const answer = pong("heartbeat", server, cycle.body, AT);
        return answer === undefined ? [] : [answer];
      })();
      const wanted = cycle.messages.map((told) => {
        const body = told.body === "<same as the body before>" ? before : rightBody(one, told.body);
        before = body;
        return { ...told, body };
      });
      found.push(...differences(wanted, got.map(written), [String(i)]));
    }
    return found;
  },
});

function rightBody(one: BusCase, body: unknown): unknown {
  const sample = z.looseObject({ diskinfo: z.unknown() }).safeParse(body).data;
  if (sample?.diskinfo === undefined) return body;
  return { ...sample, timestamp: "<timestamp>", diskinfo: rightFigures(one, sample.diskinfo) };
}

export const judgeSysinfo: Judge = ({ input, expect }) => ({
  check: () => {
    const [{ sysinfo }] = z.tuple([z.object({ sysinfo: z.unknown() })]).parse(input);
    const node = describeNode(sysinfo);
    return differences(expect, {
      admin_mac: node?.adminMac,
      admin_ip: node?.adminIp,
      address_for_tasks: node?.adminIp,
      task_port: node?.taskPort,
      nic_tags: node?.nicTags,
      server_record_fields: node?.record,
    });
  },
});
