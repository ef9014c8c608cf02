// What a broker and its clients do: assumptions to hold against the ones in use, which only they can answer. Who may do
// what follows from the permissions alone, and is judged.
import { z } from "zod";
import { EXCHANGE } from "../../../agent/amqp/routing.ts";
import { nodePermissions, RESOURCE } from "../../../agent/amqp/topology.ts";
import type { Difference } from "../vector.ts";
import type { BusCase, Judge } from "./amqp.ts";
import { differences } from "./compare.ts";

const OTHER = "00000000-0000-0000-0000-002590935ac4";

export const judgeBroker: Judge = (one) =>
  one.name === "a node user with its own permissions"
    ? { check: () => judgePermissions(one) }
    : { needs: "a broker", check: () => [] };

const givenSchema = z.object({ username: z.string() });

/** Our set is narrower than the one that was measured: without the default exchange those two publishes are refused. */
function judgePermissions({ given, input, expect }: BusCase): Difference[] {
  const { username: own } = givenSchema.parse(given);
  const { results } = z.object({ results: z.array(z.string()) }).parse(expect);
  const set = nodePermissions(own, { declares: true });
  const may = (verb: "configure" | "write" | "read", name: string): boolean => new RegExp(set[verb]).test(name);
  const topic = (verb: "write" | "read", key: string): boolean =>
    new RegExp(set.topic[verb].replace("{username}", own)).test(key);
  const judge = (operation: string): string => {
    const [verb = "", ...rest] = operation
      .replaceAll("<own uuid>", own)
      .replaceAll("<other uuid>", OTHER)
      .replace(/\bcnode\./, `${RESOURCE}.`)
      .split(" ");
    const object = rest.join(" ");
    if (verb === "declare") return code(may("configure", object));
    // Binding writes the queue, here always the node's own, and reads the exchange.
    if (verb === "bind") return code(may("read", EXCHANGE) && topic("read", object));
    if (verb === "consume") return code(may("read", object === "a queue of somebody else" ? `${RESOURCE}.${OTHER}.tasks` : object)); // prettier-ignore
    if (object.startsWith("by default exchange")) return code(may("write", "amq.default"));
    // The broker itself compares the property with the user's name.
    if (object.startsWith("with user_id")) return object.endsWith("own name") ? "ok" : "406";
    return code(may("write", EXCHANGE) && topic("write", object));
  };
  const wanted = results.map((result, i) => (String(input[i]).includes("by default exchange") ? "403" : result));
  return differences(wanted, z.array(z.string()).parse(input).map(judge));
}

function code(allowed: boolean): string {
  return allowed ? "ok" : "403";
}
