// Isolators: limits, and ways of locking a process in, of which an LX zone knows few (container-specs.md 6).
import { z } from "zod";
import { zodProblems } from "../../issues.ts";
import type { SpecPath } from "../../problem.ts";
import { subSource, type SpecSource } from "../../source.ts";
import type { Report } from "../format.ts";
import { absentable, listOf } from "../go-json.ts";
import { parseCoresQuantity, parseQuantity } from "../quantity.ts";
import { acIdentifier } from "./values.ts";

export const isolators = listOf(z.object({ name: acIdentifier, value: z.unknown() }));
export type Isolators = z.output<typeof isolators>;

/** What a neutral app, or the pod as a whole, takes over. */
export interface Limits {
  memoryBytes?: number;
  memoryRequestBytes?: number;
  cpuCores?: number;
  cpuRequestCores?: number;
  cpuShares?: number;
  netBytesPerSecond?: number;
}

interface Scope {
  readonly kind: "app" | "pod";
  /** Path of the list. */
  readonly path: SpecPath;
  /** Path the list's isolators are named below: `apps[0].app`, or `pod`. */
  readonly owner: SpecPath;
}

interface Effect {
  readonly limits?: Limits;
  /** Why the isolator is not honoured. */
  readonly warning?: string;
}

/** Reads a value, or complains of it through the schema. */
type Rule = z.ZodType<Effect>;

/** The limits a list of isolators sets. Of an isolator given twice the last one counts. */
export function readIsolators(list: Isolators, scope: Scope, source: SpecSource, report: Report): Limits {
  const limits: Limits = {};
  for (const [i, { name, value }] of list.entries()) {
    const rule = ruleOf(name, scope.kind);
    const at = [...scope.path, i];
    const named = [...scope.owner, `isolators:${name}`];
    if (rule === undefined) {
      // The format's own parser refuses these in an app; its prose lets an executor ignore them.
      report.warn(named, "unknown isolator: it has no effect", undefined, at);
      continue;
    }
    const parsed = rule.safeParse(value);
    if (!parsed.success) {
      report.add(zodProblems(rule, subSource(source, [...at, "value"], value), parsed.error.issues));
      continue;
    }
    Object.assign(limits, parsed.data.limits);
    if (parsed.data.warning !== undefined) report.warn(named, parsed.data.warning, undefined, at);
  }
  if (scope.kind === "app") checkSet(list, scope.path, report);
  return limits;
}

/** Which isolators exclude each other or may come once. The format checks that in apps only. */
function checkSet(list: Isolators, path: SpecPath, report: Report): void {
  const seccomp = list.flatMap(({ name }, i) => (SECCOMP.includes(name) ? [i] : []));
  for (const i of seccomp.slice(1))
    report.complain([...path, i, "name"], "a second seccomp isolator: the two exclude each other and come once");
}

const SECCOMP = ["os/linux/seccomp-remove-set", "os/linux/seccomp-retain-set"];

function quantity(parse: (text: string) => number | undefined) {
  return z.union([z.string(), z.number()]).transform((value, ctx) => {
    const amount = parse(String(value));
    if (amount !== undefined && amount >= 0) return amount;
    const kilo = /^\d+K$/.test(String(value)) ? "; kilo is a lower case k" : "; write e.g. 250m, 512Mi or 1G";
    ctx.addIssue({ code: "custom", message: `${JSON.stringify(value)} is not a quantity${kilo}` });
    return z.NEVER;
  });
}

/** `{request, limit}`; a request not given is the limit. */
function resource(parse: (text: string) => number | undefined) {
  return z
    .object({
      default: z.literal(false, "must not be true: only bandwidth and iops have defaults").nullish(),
      request: absentable(quantity(parse)),
      limit: absentable(quantity(parse)),
    })
    .check(({ value, issues }) => {
      const complain = (path: string[], message: string): void => {
        issues.push({ code: "custom", input: value, path, message });
      };
      if (value.request === undefined && value.limit === undefined) complain([], "needs a limit or a request");
      if (value.request !== undefined && value.limit !== undefined && value.request > value.limit)
        complain(["request"], "must not be greater than the limit");
    })
    .transform(({ request, limit }) => ({ request: request ?? limit, limit }));
}

/** `{default: true, limit}`. */
const bandwidth = z.object({
  default: z.literal(true, "must be true: limits for single devices or networks do not exist"),
  request: z.undefined("is not allowed: only a limit is").nullish(),
  limit: quantity(parseQuantity),
});

const nonEmptySet = z.array(z.string().min(1, "must not be empty")).min(1, "must not be empty");
const label = z.string().regex(/^[^:]+$/, "must be text without a colon");

/** A value that is well-formed, but that a zone does not honour. */
function ignored(schema: z.ZodType, warning: string): Rule {
  return schema.transform(() => ({ warning }));
}

const RATES = "block device rates are not limited per zone";
const CAPABILITIES = "a zone's capabilities are fixed by its brand";
const SYSCALLS = "system calls are not filtered in a zone";
const LABELLING = "there is no mandatory access control in a zone";

const COMMON: Readonly<Record<string, Rule>> = {
  "resource/memory": resource(parseQuantity).transform(({ request, limit }) => ({
    limits: {
      ...(limit === undefined ? {} : { memoryBytes: limit }),
      ...(request === undefined ? {} : { memoryRequestBytes: request }),
    },
  })),
  "resource/cpu": resource(parseCoresQuantity).transform(({ request, limit }) => ({
    limits: {
      ...(limit === undefined ? {} : { cpuCores: limit }),
      ...(request === undefined ? {} : { cpuRequestCores: request }),
    },
  })),
  "resource/block-bandwidth": ignored(bandwidth, RATES),
  "resource/block-iops": ignored(bandwidth, RATES),
  "resource/network-bandwidth": bandwidth.transform(({ limit }) => ({ limits: { netBytesPerSecond: limit } })),
  "os/linux/selinux-context": ignored(
    z.object({ user: label, role: label, type: label, level: z.string().min(1, "must not be empty") }),
    LABELLING,
  ),
};

const seccomp = z.object({
  set: nonEmptySet,
  errno: z
    .string()
    .regex(/^E[A-Z0-9]+$/, "must be an error name such as EPERM")
    .nullish(),
});

const RULES: Readonly<Record<"app" | "pod", Readonly<Record<string, Rule>>>> = {
  app: {
    ...COMMON,
    "os/linux/cpu-shares": z
      .int()
      .min(2, "must be from 2 to 262144")
      .max(262144, "must be from 2 to 262144")
      .transform((cpuShares) => ({ limits: { cpuShares } })),
    "os/linux/oom-score-adj": ignored(
      z.int().min(-1000, "must be from -1000 to 1000").max(1000, "must be from -1000 to 1000"),
      "memory is capped per zone, no process is chosen to be killed",
    ),
    "os/linux/capabilities-retain-set": ignored(z.object({ set: nonEmptySet }), CAPABILITIES),
    "os/linux/capabilities-remove-set": ignored(z.object({ set: nonEmptySet }), CAPABILITIES),
    "os/linux/no-new-privileges": z
      .boolean()
      .transform((wanted) => (wanted ? { warning: "set-user-id programs keep their effect" } : {})),
    "os/linux/seccomp-remove-set": ignored(seccomp, SYSCALLS),
    "os/linux/seccomp-retain-set": ignored(seccomp, SYSCALLS),
    "os/linux/apparmor-profile": ignored(z.object({ profile: z.string().min(1, "must not be empty") }), LABELLING),
  },
  pod: {
    ...COMMON,
    "os/unix/sysctl": ignored(z.record(z.string(), z.string()), "kernel parameters cannot be set in a zone"),
  },
};

function ruleOf(name: string, kind: "app" | "pod"): Rule | undefined {
  return Object.hasOwn(RULES[kind], name) ? RULES[kind][name] : undefined;
}
