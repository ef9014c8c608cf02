// Complaints that need the image, the node or vmadm show the place in the document as those of the reader do.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { hostPaths } from "../../agent/host/paths.ts";
import { checkMounts } from "../../agent/zones/check-mounts.ts";
import { blamedLines, refusedPayload } from "../../agent/zones/refused-payload.ts";
import { anImage, prepareText } from "../support/spec-builders.ts";

const RAW = (more: string): string => `brand: lx\ndocker: true\nimage: a\nmax_physical_memory: 64\n${more}`;
const POD = (more: string): string =>
  `apiVersion: v1\nkind: Pod\nmetadata: { name: p }\nspec:\n  containers:\n    - name: c\n      image: a\n${more}`;
const COMPOSE = (more: string): string => `services:\n  web:\n    image: a\n${more}`;
const OCI = (user: string): string =>
  `ociVersion: 1.2.0\nannotations: { org.smartos.image: a }\nprocess:\n  args: [sh]\n  cwd: /\n  user: ${user}\nroot: { path: rootfs }\nlinux: { namespaces: [{ type: network }] }\n`;

function errorOf(work: () => unknown): AgentError {
  try {
    work();
  } catch (error) {
    if (error instanceof AgentError) return error;
  }
  throw new Error("expected an AgentError");
}

test.each([
  {
    name: "unknown uid",
    text: "image: a\nuser: 4711\n",
    code: "USER_UNKNOWN",
    shows: ["web.yaml:2:7 user: the image's passwd file has no uid 4711", "\n  2 | user: 4711\n    |       ^"],
  },
  {
    name: "unknown user of a pod",
    text: POD("      securityContext: { runAsUser: 4711 }\n"),
    code: "USER_UNKNOWN",
    shows: [
      "web.yaml:8:37 spec.containers[0].securityContext.runAsUser: the image's",
      "\n    |                                     ^",
    ],
  },
  {
    name: "unknown user of a service",
    text: COMPOSE("    user: ghost\n"),
    code: "USER_UNKNOWN",
    shows: ['web.yaml:4:11 services.web.user: the image has no user "ghost"', "\n    |           ^"],
  },
  {
    name: "unknown user of a runtime configuration",
    text: OCI("{ uid: 4711, gid: 0 }"),
    code: "USER_UNKNOWN",
    shows: ["web.yaml:6:", "process.user", "no uid 4711", "^"],
  },
  {
    name: "unknown user of a create request",
    text: "Image: a\nUser: ghost\n",
    code: "USER_UNKNOWN",
    shows: ['web.yaml:2:7 User: the image has no user "ghost"', "^"],
  },
  {
    name: "unknown user of a raw manifest",
    text: RAW("internal_metadata:\n  docker:cmd: '[\"sh\"]'\n  docker:user: ghost\n"),
    code: "USER_UNKNOWN",
    shows: ['web.yaml:7:16 internal_metadata.docker:user: the image has no user "ghost"', "^"],
  },
  {
    name: "unknown user of the image",
    text: "image: a\n",
    image: anImage({ Cmd: ["sh"], User: "ghost" }),
    code: "USER_UNKNOWN",
    shows: [
      'web.yaml:1:8 image: its user "ghost" cannot be had: the image has no user',
      "\n  1 | image: a\n    |        ^",
    ],
  },
  {
    name: "root against nonRoot",
    text: "image: a\nnonRoot: true\n",
    code: "USER_UNKNOWN",
    shows: ["web.yaml:2:10 nonRoot: root is refused as user, and the image names no other", "^"],
  },
  {
    name: "no command",
    text: "image: a\n",
    image: anImage(),
    code: "NO_COMMAND",
    shows: ["web.yaml:1:8 image: no command specified, and the image a has none", "^"],
  },
  {
    name: "no command in a raw manifest",
    text: RAW("internal_metadata:\n  docker:tty: true\n"),
    code: "NO_COMMAND",
    shows: ["web.yaml:6:3 internal_metadata: no command specified", "^"],
  },
  {
    name: "unknown package, beside an unknown network and an unknown user",
    text: "image: a\npackage: tiny\nuser: ghost\nnetworks: [lam]\n",
    code: "SPEC_INVALID",
    shows: [
      'web.yaml:2:10 package: there is no package "tiny"',
      'web.yaml:3:7 user: the image has no user "ghost"',
      'web.yaml:4:12 networks[0].name: there is no network "lam" (did you mean "lan"?)',
      "\n  4 | networks: [lam]\n    |            ^",
    ],
  },
  {
    name: "an address outside of its network",
    text: "image: a\nnetworks:\n  - { name: lan, ip: 10.9.9.9 }\n",
    code: "SPEC_INVALID",
    shows: ["web.yaml:3:22 networks[0].ip: 10.9.9.9 is not in 10.0.0.0/24", "^"],
  },
  {
    name: "a source outside of the allowed roots",
    text: COMPOSE("    volumes:\n      - /data/ok:/a\n      - /etc:/b\n"),
    code: "SPEC_INVALID",
    shows: ["web.yaml:6:9 services.web.volumes[1]", "/etc is not below", "^"],
  },
])("$name", ({ text, image, code, shows }) => {
  const error = errorOf(() => prepareText(text, image === undefined ? {} : { image }));
  expect(error.code).toBe(code);
  for (const part of shows) expect(error.message).toContain(part);
});

test("every mount source that cannot be used is told with its line, and how to make the missing ones", () => {
  const root = mkdtempSync(join(tmpdir(), "zl-"));
  try {
    mkdirSync(join(root, "data/there"), { recursive: true });
    symlinkSync("there", join(root, "data/link"));
    const text = COMPOSE("    volumes:\n      - /data/there:/a\n      - /data/gone:/b\n      - /data/link:/c\n");
    const error = errorOf(() => {
      checkMounts(prepareText(text), hostPaths(root));
    });
    expect(error.code).toBe("MOUNT_SOURCE_MISSING");
    expect(error.message).toBe(
      "web.yaml:6:9 services.web.volumes[1]: volume source /data/gone does not exist\n" +
        "  6 |       - /data/gone:/b\n    |         ^\n" +
        "web.yaml:7:9 services.web.volumes[2]: volume source /data/link leads through a symbolic link: name the place it leads to\n" +
        "  7 |       - /data/link:/c\n    |         ^",
    );
    expect(error.hint).toBe('make what is missing ("mkdir -p /data/gone"); nothing was created');
    const raw = RAW(
      "internal_metadata: { docker:cmd: '[\"sh\"]' }\nfilesystems:\n  - { type: lofs, source: /data/no, target: /t }\n",
    );
    expect(errorOf(() => checkMounts(prepareText(raw), hostPaths(root))).message).toContain(
      "web.yaml:7:27 filesystems[0].source: volume source /data/no does not exist",
    );
  } finally {
    rmSync(root, { recursive: true });
  }
});

const SPEC = "image: a\ncpus: 2\nnetworks: { name: lan, ip: 10.0.0.7 }\n";

test("what vmadm refuses is told with the line it came from", () => {
  const { origins } = prepareText(SPEC);
  const failure = { badValues: ["cpu_cap", "nics.0.ips", "quota"], badProperties: ["nonsense"], missingProperties: [] };
  const { message, code, hint } = refusedPayload("create web", failure, origins, "look");
  expect({ code, hint }).toEqual({ code: "PAYLOAD_INVALID", hint: "look" });
  expect(message).toBe(
    "create web: vmadm refuses the manifest:\n" +
      "web.yaml:2:7 cpus: bad value of cpu_cap\n  2 | cpus: 2\n    |       ^\n" +
      "web.yaml:3:11 networks: bad value of nics.0.ips\n" +
      "  3 | networks: { name: lan, ip: 10.0.0.7 }\n    |           ^\n" +
      "bad value of quota (node: defaults.quotaGiB, in GiB, rounded up)\n" +
      "unknown property nonsense",
  );
});

test.each([
  { code: "NIC_TAG_MISSING", details: {}, shows: "web.yaml:3:11 networks: this asks for it\n  3 | networks: {" },
  { code: "ADDRESS_CONFLICT", details: {}, shows: "web.yaml:3:11 networks" },
  { code: "IMAGE_NOT_INSTALLED", details: {}, shows: "web.yaml:1:8 image" },
  { code: "PAYLOAD_INVALID", details: { badValues: ["cpu_cap"] }, shows: "web.yaml:2:7 cpus" },
] as const)("a create that fails with $code shows the line that asked for it", ({ code, details, shows }) => {
  const lines = blamedLines(new AgentError(code, "no", { details }), prepareText(SPEC).origins);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain(shows);
});

test("a failure that is about no property shows none", () => {
  const { origins } = prepareText(SPEC);
  expect(blamedLines(new AgentError("DISK_FULL", "no"), origins)).toEqual([]);
  expect(blamedLines(new AgentError("PAYLOAD_INVALID", "no"), origins)).toEqual([]);
});
