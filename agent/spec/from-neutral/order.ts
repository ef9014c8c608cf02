import type { NeutralApp } from "../neutral.ts";

/**
 * Apps in the order they are started: init apps and sidecars before the main apps of a pod, what others depend on before
 * these, else as in the document. Circles are for readers to refuse; here their apps come last.
 */
export function startOrder(apps: readonly NeutralApp[]): NeutralApp[] {
  const byRole = [...apps.filter(goesFirst), ...apps.filter((app) => !goesFirst(app))];
  const byName = new Map(byRole.map((app) => [app.name, app]));
  const missing = new Map(byRole.map((app) => [app, needsOf(app, byName).length]));
  const dependants = new Map<NeutralApp, NeutralApp[]>();
  for (const app of byRole)
    for (const need of needsOf(app, byName)) dependants.set(need, [...(dependants.get(need) ?? []), app]);

  const order = byRole.filter((app) => missing.get(app) === 0);
  // The list grows while it is walked: whoever has all it needs is appended.
  for (const app of order)
    for (const dependant of dependants.get(app) ?? []) {
      const left = (missing.get(dependant) ?? 0) - 1;
      missing.set(dependant, left);
      if (left === 0) order.push(dependant);
    }
  const started = new Set(order);
  return [...order, ...byRole.filter((app) => !started.has(app))];
}

function goesFirst({ role }: NeutralApp): boolean {
  return role === "init" || role === "sidecar";
}

function needsOf(app: NeutralApp, byName: ReadonlyMap<string | null, NeutralApp>): NeutralApp[] {
  const names = new Set((app.dependsOn ?? []).map((dependency) => dependency.app));
  return [...names].flatMap((name) => byName.get(name) ?? []);
}
