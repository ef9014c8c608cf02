// `depends_on`: which service has to be there before another one is started.
import type { NeutralApp, NeutralDependency } from "../../neutral.ts";
import type { Report } from "../format.ts";
import type { Service } from "./schema.ts";
import type { ServiceContext } from "./service.ts";

const CONDITIONS = {
  service_started: "started",
  service_healthy: "healthy",
  service_completed_successfully: "completed",
} as const;

export function readDependencies(
  service: Service,
  { report, path, project, name }: ServiceContext,
): NeutralDependency[] {
  const given = service.depends_on ?? [];
  const wanted = Array.isArray(given)
    ? given.map((app, i) => ({ app, step: i, condition: "service_started" as const, required: true }))
    : Object.entries(given).map(([app, options]) => ({
        app,
        step: app,
        condition: options?.condition ?? ("service_started" as const),
        required: options?.required ?? true,
      }));
  return wanted.flatMap(({ app, step, condition, required }) => {
    const at = [...path, "depends_on", step];
    const active = project.services.get(app);
    if (active === true && app !== name) return [{ app, condition: CONDITIONS[condition] }];
    if (app === name) report.complain(at, "a service cannot depend on itself");
    else if (required)
      report.complain(
        at,
        active === undefined
          ? `there is no service ${JSON.stringify(app)}`
          : `the service ${JSON.stringify(app)} has profiles of which none is active`,
      );
    return [];
  });
}

/** Complains about the first circle of `depends_on`, at the service that closes it. Without recursion: chains are long. */
export function checkCycles(apps: readonly NeutralApp[], report: Report): void {
  const waiting = new Map(apps.map((app) => [app.name ?? "", new Set((app.dependsOn ?? []).map((d) => d.app))]));
  const dependants = new Map<string, string[]>();
  for (const [name, needs] of waiting)
    for (const need of needs) {
      const list = dependants.get(need) ?? [];
      list.push(name);
      dependants.set(need, list);
    }
  const free = [...waiting].flatMap(([name, needs]) => (needs.size === 0 ? [name] : []));
  for (let next = free.pop(); next !== undefined; next = free.pop()) {
    waiting.delete(next);
    for (const dependant of dependants.get(next) ?? []) {
      const needs = waiting.get(dependant);
      needs?.delete(next);
      if (needs?.size === 0) free.push(dependant);
    }
  }
  // What is left waits for something in a circle, or stands in one: walk until a name comes again.
  const [start] = waiting.keys();
  if (start === undefined) return;
  const walk: string[] = [];
  for (let name = start; !walk.includes(name);) {
    walk.push(name);
    const next = [...(waiting.get(name) ?? [])].find((need) => waiting.has(need));
    if (next === undefined) return;
    if (walk.includes(next)) {
      const circle = [...walk.slice(walk.indexOf(next)), next];
      report.complain(
        ["services", name, "depends_on"],
        `the services wait for each other: ${circle.slice(0, 10).join(", ")}`,
      );
      return;
    }
    name = next;
  }
}
