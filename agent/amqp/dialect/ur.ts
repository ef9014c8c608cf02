// Ur, the remote hand of a head node (amqp-head-node.md 4): announcements, pings, broadcasts, and of its executing only a
// closed list of commands that look. Given text is never run, whoever asks.
import { z } from "zod";
import { isUuid } from "../../util/ids.ts";
import { LINUX_SIGNALS } from "../../util/linux-signals.ts";
import type { OutgoingMessage } from "../routing.ts";
import { isWireId } from "./keys.ts";

/** Files with the argument vectors they may be run with: they tell about the node and change nothing. */
export const NAMED_COMMANDS: Readonly<Record<string, readonly (readonly string[])[]>> = {
  "/usr/bin/sysinfo": [[]],
  "/usr/bin/hostname": [[]],
  "/usr/bin/uptime": [[]],
  "/usr/bin/uname": [["-a"], ["-v"]],
  "/usr/sbin/zoneadm": [["list", "-pc"]],
  "/usr/sbin/zpool": [["status"], ["list"]],
};

export type UrRequest =
  | { readonly kind: "command"; readonly replyId: string; readonly file: string; readonly args: readonly string[] }
  | { readonly kind: "sysinfo"; readonly replyId: string }
  | { readonly kind: "refused"; readonly replyId: string; readonly reply: UrReply }
  /** Nothing is answered: an unknown broadcast, or a message for somebody else. */
  | { readonly kind: "ignored"; readonly why: string };

export interface UrReply {
  readonly exit_status: number;
  readonly stdout: string;
  readonly stderr: string;
}

const executeSchema = z.object({
  type: z.string(),
  file: z.string().optional(),
  args: z.array(z.string()).default([]),
});

/** Exit status of a shell for what it may not run, and for what is not there. */
const [NOT_ALLOWED, NOT_FOUND, KILLED] = [126, 127, 128];

/**
 * What a message on Ur's queue asks for. An execute that is not on the list gets a reply that says so, where the
 * predecessor left its caller to wait for an hour. Environment and arguments beyond the list are refused with it.
 */
export function readUrMessage(key: string, body: unknown, node: { server: string; adminMac: string }): UrRequest {
  const [resource, verb, to, replyId, ...more] = key.split(".");
  if (resource !== "ur" || to === undefined || replyId === undefined || more.length > 0 || !isWireId(replyId))
    return { kind: "ignored", why: "no key of Ur" };
  if (verb === "broadcast")
    return to === "sysinfo" ? { kind: "sysinfo", replyId } : { kind: "ignored", why: "no broadcast we know" };
  if (verb !== "execute" || (to !== node.server && to !== `${node.server}-${node.adminMac}`))
    return { kind: "ignored", why: "not for this node" };
  const refused = (stderr: string): UrRequest => ({
    kind: "refused",
    replyId,
    reply: { exit_status: NOT_ALLOWED, stdout: "", stderr: `zonelet: ${stderr}\n` },
  });
  const asked = executeSchema.safeParse(body).data;
  if (asked === undefined) return refused("the request is not well-formed");
  if (asked.type === "script") return refused("scripts are not run; use a task");
  if (asked.type !== "file" || asked.file === undefined)
    return refused(`type ${JSON.stringify(asked.type.slice(0, 40))} is not known`);
  const { file, args } = asked;
  const allowed = Object.hasOwn(NAMED_COMMANDS, file) ? (NAMED_COMMANDS[file] ?? []) : [];
  const found = allowed.find((argv) => argv.length === args.length && argv.every((word, i) => word === args[i]));
  if (found === undefined) return refused(`${JSON.stringify(file.slice(0, 80))} with these arguments is not on the list of commands`); // prettier-ignore
  return { kind: "command", replyId, file, args: found };
}

/** How a command ended. */
export type UrOutcome =
  | { readonly exit: number; readonly stdout: string; readonly stderr: string }
  | { readonly signal: string; readonly stdout: string; readonly stderr: string }
  | { readonly spawnError: string };

/** A script asked for a reboot by it; the reply says 0. */
const REBOOT_STATUS = 113;

/**
 * The body of a reply, always with a number and both texts. `reboot` is what exit status 113 meant; none of
 * {@link NAMED_COMMANDS} ends so, and the node is not rebooted for one.
 */
export function urReply(outcome: UrOutcome): UrReply & { reboot: boolean } {
  if ("spawnError" in outcome)
    return { exit_status: NOT_FOUND, stdout: "", stderr: `zonelet: ${outcome.spawnError}\n`, reboot: false };
  const { stdout, stderr } = outcome;
  if ("signal" in outcome) {
    const number = LINUX_SIGNALS[outcome.signal] ?? 0;
    return { exit_status: KILLED + number, stdout, stderr: `${stderr}zonelet: killed by ${outcome.signal}\n`, reboot: false }; // prettier-ignore
  }
  const reboot = outcome.exit === REBOOT_STATUS;
  return { exit_status: reboot ? 0 : outcome.exit, stdout, stderr, reboot };
}

export function urReplyMessage(server: string, replyId: string, body: unknown): OutgoingMessage {
  return json(`ur.execute-reply.${server}.${replyId}`, body);
}

/**
 * What is published on every connect: `ur.startup` once per boot, and the sysinfo, on a random key because every node
 * that shares a uuid has to be heard.
 */
export function urAnnouncements(
  sysinfo: Readonly<Record<string, unknown>>,
  options: { readonly server: string; readonly startedBefore: boolean; readonly randomId: string },
): OutgoingMessage[] {
  const { server, startedBefore, randomId } = options;
  if (!isUuid(server)) throw new TypeError(`not a uuid: ${server}`);
  const again = json(`ur.sysinfo.${server}.${randomId}`, sysinfo);
  return startedBefore ? [again] : [json(`ur.startup.${server}`, sysinfo), again];
}

/** Between announcements of a node that is not set up. */
export const SYSINFO_INTERVAL_S = 60;

/**
 * Whether the sysinfo goes out each {@link SYSINFO_INTERVAL_S}: only where the setup file was not there at start, until
 * it says so. The content is the file's text; one that is no JSON counts as not complete.
 */
export function announcesSysinfo(setup: {
  readonly atStart: string | undefined;
  readonly now: string | undefined;
}): boolean {
  if (setup.atStart !== undefined) return false;
  if (setup.now === undefined) return true;
  try {
    return z.object({ complete: z.literal(true) }).safeParse(JSON.parse(setup.now)).data === undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return true;
    throw error;
  }
}

function json(routingKey: string, body: unknown): OutgoingMessage {
  return { routingKey, properties: { contentType: "application/json" }, body };
}
