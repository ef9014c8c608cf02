// Who a container runs as: its own security context above the pod's.
import type { NeutralApp } from "../../neutral.ts";
import type { SpecPath } from "../../problem.ts";
import type { Report } from "../format.ts";
import type { Container, PodSpec } from "./schema.ts";

export function readUser(
  container: Container,
  spec: PodSpec,
  path: SpecPath,
  report: Report,
): Pick<NeutralApp, "user"> & Partial<Pick<NeutralApp, "groups" | "requireNonRoot">> {
  const own = container.securityContext;
  const shared = spec.securityContext;
  const user = own?.runAsUser ?? shared?.runAsUser;
  const group = own?.runAsGroup ?? shared?.runAsGroup;
  const nonRoot = own?.runAsNonRoot ?? shared?.runAsNonRoot ?? false;
  const contextOf = (key: "runAsNonRoot" | "runAsGroup"): SpecPath => [
    ...(own?.[key] === undefined ? ["spec"] : path),
    "securityContext",
    key,
  ];
  if (nonRoot && user === 0) report.complain(contextOf("runAsNonRoot"), "the user is 0, which is root");
  if (user === undefined && group !== undefined)
    report.warn(contextOf("runAsGroup"), "has no effect without runAsUser: the image's user keeps its group");
  const groups = [
    ...(shared?.supplementalGroups ?? []),
    ...(shared?.fsGroup === undefined ? [] : [shared.fsGroup]),
  ].map(String);
  return {
    user: user === undefined ? null : group === undefined ? String(user) : `${user}:${group}`,
    ...(groups.length === 0 ? {} : { groups }),
    ...(nonRoot ? { requireNonRoot: true } : {}),
  };
}
