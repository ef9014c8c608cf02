import { z } from "zod";
import { matchesTopic } from "../../../agent/amqp/routing.ts";
import type { Judge } from "./amqp.ts";
import { differences } from "./compare.ts";

export const judgeRouting: Judge = ({ given, input, expect }) => ({
  check: () => {
    const { bindings } = z.object({ bindings: z.array(z.string()) }).parse(given);
    const routes = z
      .array(z.string())
      .parse(input)
      .map((key) => ({ routing_key: key, matches: bindings.filter((binding) => matchesTopic(binding, key)) }));
    return differences(expect, { routes });
  },
});
