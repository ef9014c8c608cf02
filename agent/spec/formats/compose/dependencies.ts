// `depends_on`: which service has to be there before another one is started.
import type { NeutralApp, NeutralDependency, NeutralLender } from "../../neutral.ts";
import type { Report } from "../format.ts";
import type { Service } from "./schema.ts";
import type { ServiceContext } from "./service.ts";

const CONDITIONS = {
  service_started: "started",
  service_healthy: "healthy",
  service_completed_successfully: "completed",
} as const;

/** `volumes_from`: services by their names, containers of the node as `container:NAME`. */
export function readLenders(service: Service, { report, path, project, name }: ServiceContext): NeutralLender[] {
  return (service.volumes_from ?? []).flatMap((text, i): NeutralLender[] => {
    const container = text.startsWith("container:");
    const [lender = "", mode] = (container ? text.slice("container:".length) : text).split(":");
    const readOnly = mode === "ro";
    if (container) return [{ kind: "container", name: lender, readOnly }];
    if (lender !== name && project.services.get(lender) === true) return [{ kind: "app", name: lender, readOnly }];
    report.complain(
      [...path, "volumes_from", i],
      lender === name
        ? "a service cannot take its own volumes"
        : `there is no active service ${JSON.stringify(lender)}; a container of the node is container:NAME`,
    );
    return [];
  });
}

/** Whoever lends volumes is started first, as Docker Compose has it. */
export function readDependencies(
  service: Service,
  lenders: readonly NeutralLender[],
  context: ServiceContext,
): NeutralDependency[] {
  const given = givenDependencies(service, context);
  const more = lenders.filter(({ kind, name }) => kind === "app" && !given.some(({ app }) => app === name));
  return [...given, ...more.map(({ name }): NeutralDependency => ({ app: name, condition: "started" }))];
}

function givenDependencies(service: Service, { report, path, project, name }: ServiceContext): NeutralDependency[] {
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
