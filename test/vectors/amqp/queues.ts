// Throttled queues, all of them defects: the predecessor acknowledged what had not run, and for one task the message of
// another. Here a message is acknowledged when it is in the journal, in the order of arrival, and never by a completion.
import { z } from "zod";
import { startable, type LaneTask } from "../../../agent/amqp/work-queues.ts";
import type { Difference } from "../vector.ts";
import type { Judge } from "./amqp.ts";
import { demand, differences } from "./compare.ts";

const step = z.union([z.object({ arrive: z.string() }), z.object({ complete: z.string() })]);

export const judgeQueue: Judge = ({ given, input, expect }) => ({
  check: () => {
    const { maximum_concurrency: limit } = z.object({ maximum_concurrency: z.number() }).parse(given);
    const trace: string[] = [];
    let waiting: LaneTask[] = [];
    let running: LaneTask[] = [];
    const journal = new Set<string>();
    const overFull: Difference[] = [];
    for (const one of z.array(step).parse(input)) {
      if ("arrive" in one) {
        // A class without a limit of one, so that the total is what throttles.
        waiting.push({ id: one.arrive, class: "machine_query", effect: "reads", zone: undefined });
        journal.add(one.arrive);
        trace.push(`ack ${one.arrive}`);
      } else {
        running = running.filter(({ id }) => id !== one.complete);
        journal.delete(one.complete);
      }
      const starting = startable(waiting, running, { cpus: 16, total: limit });
      waiting = waiting.filter((task) => !starting.includes(task));
      running = [...running, ...starting];
      overFull.push(...demand(`at most ${limit} run`, running.length <= limit));
      overFull.push(...demand("room is used", running.length === limit || waiting.length === 0));
    }
    const arrived = z.array(step).parse(input).flatMap((one) => ("arrive" in one ? [`ack ${one.arrive}`] : [])); // prettier-ignore
    const end = z.object({ at_the_end: z.object({ running: z.array(z.string()), waiting_on_the_broker: z.array(z.string()) }) }).parse(expect).at_the_end; // prettier-ignore
    return [
      ...overFull,
      ...differences(arrived, trace, ["acknowledged"]),
      // The same tasks run and wait as with the predecessor; none of them would be lost.
      ...differences(end.running, running.map(({ id }) => id), ["running"]), // prettier-ignore
      ...differences(end.waiting_on_the_broker, waiting.map(({ id }) => id), ["waiting"]), // prettier-ignore
      ...differences([...end.running, ...end.waiting_on_the_broker], [...journal], ["remembered"]),
    ];
  },
});
