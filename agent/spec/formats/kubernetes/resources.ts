// Limits and requests of a container.
import type { NeutralApp } from "../../neutral.ts";
import type { SpecPath } from "../../problem.ts";
import type { Report } from "../format.ts";
import type { Container } from "./schema.ts";
import { bytesOf, coresOf } from "./values.ts";

type Limits = Pick<NeutralApp, "memoryBytes" | "cpuCores"> &
  Partial<Pick<NeutralApp, "memoryRequestBytes" | "cpuRequestCores" | "diskBytes">>;

const KNOWN = ["cpu", "memory", "ephemeral-storage"];

export function readResources({ resources }: Container, path: SpecPath, report: Report): Limits {
  const { limits = {}, requests = {} } = resources ?? {};
  const at = [...path, "resources"];
  for (const [part, values] of Object.entries({ limits, requests }))
    for (const name of Object.keys(values)) {
      if (KNOWN.includes(name)) continue;
      if (name.startsWith("hugepages-"))
        report.warn([...at, part, name], "has no equivalent in a zone: it is left out");
      else report.refuse([...at, part, name], `the resource ${name} cannot be had here`);
    }
  for (const name of KNOWN) {
    const [limit, request] = [limits[name], requests[name]];
    const amount = name === "cpu" ? coresOf : bytesOf;
    if (limit !== undefined && request !== undefined && amount(request) > amount(limit))
      report.complain([...at, "requests", name], `is above the limit of ${limit}`);
  }
  const memory = requests["memory"] ?? limits["memory"];
  const cpu = requests["cpu"] ?? limits["cpu"];
  const disk = limits["ephemeral-storage"];
  return {
    memoryBytes: limits["memory"] === undefined ? null : bytesOf(limits["memory"]),
    cpuCores: limits["cpu"] === undefined ? null : coresOf(limits["cpu"]),
    ...(memory === undefined ? {} : { memoryRequestBytes: bytesOf(memory) }),
    ...(cpu === undefined ? {} : { cpuRequestCores: coresOf(cpu) }),
    ...(disk === undefined ? {} : { diskBytes: bytesOf(disk) }),
  };
}
