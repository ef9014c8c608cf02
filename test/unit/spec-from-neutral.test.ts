import { describe, expect, test } from "vitest";
import { readSpecs, readSpecText, type SpecDocument } from "../../agent/spec/read.ts";
import { anImage, messageOf, prepareText } from "../support/spec-builders.ts";

type Container = Extract<SpecDocument, { format: "container" }>;

function containers(text: string, name = "shop.yaml"): Container[] {
  return readSpecs(text, name).flatMap((document) => (document.format === "container" ? [document] : []));
}

function warnings(text: string): string[] {
  return containers(text).flatMap((c) => (c.converted?.warnings ?? []).map((w) => `${w.where ?? ""} ${w.path}`));
}

const POD = `apiVersion: v1
kind: Pod
metadata: {name: web, labels: {tier: front}}
spec:
  terminationGracePeriodSeconds: 5
  containers:
  - name: main
    image: nginx:1.27
    resources: {limits: {memory: 64Mi, cpu: 500m}}
`;

describe("one container for each app", () => {
  test("services are started after what they depend on, and know their group", () => {
    const text =
      "name: shop\nservices:\n  web: {image: a, depends_on: [api]}\n  db: {image: c}\n  api: {image: b, depends_on: [db]}\n";
    const all = containers(text);
    expect(all.map(({ spec }) => spec.name)).toEqual(["shop-db", "shop-api", "shop-web"]);
    expect(all.map(({ converted }) => converted?.group)).toEqual(
      [0, 1, 2].map((order) => ({ name: "shop", order, role: "main", after: [] })),
    );
    expect(prepareText(text).manifest.internal_metadata).toMatchObject({
      "zonelet:group": "shop",
      "zonelet:group_order": 0,
    });
  });

  test("a project without a name has that of its directory", async () => {
    const [document] = await readSpecText("services: {web: {image: a}}", "compose.yaml", "/srv/My Shop");
    expect(document?.format === "container" && document.spec.name).toBe("My-Shop-web");
  });

  test("a pod of one container is that container", () => {
    const [pod, ...others] = containers(POD);
    expect(others).toEqual([]);
    expect(pod?.spec).toMatchObject({
      name: "web",
      memory: 64 * 1024 ** 2,
      cpus: 0.5,
      cpuShares: 512,
      hostname: "web",
      labels: { tier: "front" },
      restart: { policy: "always" },
      stopTimeout: 5000,
    });
    expect(pod?.converted?.group).toBeUndefined();
    expect(pod?.converted?.warnings).toEqual([]);
  });

  test("names that are too long stay apart", () => {
    const service = "s".repeat(60);
    const names = containers(`name: shop\nservices: {${service}a: {image: a}, ${service}b: {image: b}}`).map(
      ({ spec }) => spec.name ?? "",
    );
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(/^shop-s{49}-[0-9a-f]{8}$/);
  });
});

test("an emptied command is empty, whatever the image says", () => {
  const image = anImage({ Entrypoint: ["/entry"], Cmd: ["serve"] });
  const metadata = (command: string): unknown[] => {
    const made = prepareText(`services: {a: {image: x, ${command}}}`, { image }).manifest.internal_metadata ?? {};
    return [made["docker:entrypoint"], made["docker:cmd"]];
  };
  expect(metadata("command: []")).toEqual(['["/entry"]', "[]"]);
  expect(metadata("command: null")).toEqual(['["/entry"]', '["serve"]']);
  expect(metadata("entrypoint: /run")).toEqual(['["/run"]', "[]"]);
});

describe("complaints name the document's own fields and places", () => {
  test.each([
    ["services:\n  a: {image: x, mem_limit: 1m}\n", "shop.yaml:2:28 services.a.mem_limit: 1 MiB is below"],
    ["services:\n  a:\n    image: x\n    hostname: a_b\n", "shop.yaml:4:15 services.a.hostname: must be made of"],
    [POD.replace("64Mi", "1Mi"), "shop.yaml:9:34 spec.containers[0].resources.limits.memory: 1 MiB is below"],
  ])("%#", (text, message) => {
    expect(messageOf(() => readSpecs(text, "shop.yaml"))).toContain(message);
  });

  test("also when the node or the image decides", () => {
    const text = 'services:\n  a:\n    image: x\n    user: "1234"\n';
    expect(messageOf(() => prepareText(text))).toContain(
      "web.yaml:4:11 services.a.user: the image's passwd file has no uid 1234",
    );
    const bind = "services:\n  a:\n    image: x\n    volumes: [/srv, /etc:/e]\n";
    expect(messageOf(() => prepareText(bind))).toContain("web.yaml:4:21 services.a.volumes[1]: /etc is not below");
  });

  test("root is refused where the document does", () => {
    const text = POD.replace("    resources", "    securityContext: {runAsNonRoot: true}\n    resources");
    expect(messageOf(() => prepareText(text))).toContain("root is refused as user");
    expect(prepareText(text, { image: anImage({ Cmd: ["sh"], User: "web" }) }).warnings).toEqual([]);
  });
});

describe("what a container cannot do yet is told, never left out in silence", () => {
  test.each([
    ["ports: ['8080:80']", "ports[0]"],
    ["ports: ['127.0.0.1:80:80']", "ports[0]"],
    ["tmpfs: /run", "tmpfs[0]"],
    ["group_add: [video]", "group_add"],
    ["annotations: {a: b}", "annotations"],
    ["pids_limit: -1", "pids_limit"],
  ])("%s: a warning", (attribute, field) => {
    const [warning, ...others] = warnings(`services:\n  a:\n    image: x\n    ${attribute}\n`);
    expect(others).toEqual([]);
    expect(warning).toMatch(/^shop\.yaml:4:\d+ /);
    expect(warning).toContain(` services.a.${field}`);
  });

  test("ports that need no translation are nothing to talk about", () => {
    expect(warnings("services: {a: {image: x, ports: ['80:80', '443'], expose: [8080]}}")).toEqual([]);
  });

  test("services left out for their profiles are named", () => {
    const [only] = containers("services: {a: {image: x}, b: {image: y, profiles: [debug]}}");
    expect(only?.converted?.warnings.map((w) => w.message)).toEqual([
      "left out, since none of their profiles is active: b",
    ]);
  });
});

describe("what the containers of a document share", () => {
  test("a named volume is its project's, unless it has a name of its own", () => {
    const text = `name: shop
services:
  a: {image: x, volumes: [data:/d, own:/o:ro, their:/t]}
volumes: {data: , own: {name: real}, their: {external: true}}
`;
    expect(prepareText(text).manifest.filesystems?.map(({ source, options }) => [source, options])).toEqual([
      ["/zones/zonelet/volumes/shop_data", ["nodevices"]],
      ["/zones/zonelet/volumes/real", ["ro", "nodevices"]],
      ["/zones/zonelet/volumes/their", ["nodevices"]],
    ]);
  });

  test("an empty directory several containers mount lies outside of them; one's own does not", () => {
    const text = `${POD}    volumeMounts: [{name: d, mountPath: /d}, {name: mine, mountPath: /m}]
  - {name: side, image: b, volumeMounts: [{name: d, mountPath: /e, subPath: x/y}]}
  volumes: [{name: d}, {name: mine}]
`;
    const [main, side] = containers(text);
    expect(main?.spec.volumes).toEqual([
      { type: "empty", source: "d", target: "/d", readOnly: false },
      { type: "empty", target: "/m", readOnly: false },
    ]);
    expect(side?.spec.volumes).toEqual([{ type: "empty", source: "d", subpath: "x/y", target: "/e", readOnly: false }]);
    const { manifest, volumes, directories } = prepareText(text);
    expect(manifest.filesystems?.[0]?.source).toBe("/zones/zonelet/groups/web/d");
    expect(volumes).toEqual([
      {
        place: { kind: "group", group: "web", name: "d" },
        subpath: "",
        readOnly: false,
        owner: { mode: 0o777, uid: 0, gid: 0 },
      },
    ]);
    expect(directories.map(({ owner }) => owner)).toEqual([{ mode: 0o777, uid: 0, gid: 0 }]);
  });

  test("inline configs and secrets are files, with owner and mode", () => {
    const text = `services:
  a: {image: x, configs: [c], secrets: [{source: s, uid: "33", mode: "0400"}]}
configs: {c: {content: hello}}
secrets: {s: {environment: TOKEN}}
`;
    const [document] = readSpecs(text, "shop.yaml", { variables: { TOKEN: "t0p" } });
    expect(document?.format === "container" && document.spec.files).toEqual([
      { target: "/c", content: "hello", mode: 0o444, uid: 0, gid: 0 },
      { target: "/run/secrets/s", content: "t0p", mode: 0o400, uid: 33, gid: 0 },
    ]);
  });

  test("init containers come first and have no restart policy; conditions name containers", () => {
    const pod = `${POD}  initContainers: [{name: first, image: c}]
`;
    expect(
      containers(pod).map(({ spec, converted }) => [spec.name, converted?.group?.role, spec.restart?.policy]),
    ).toEqual([
      ["web-first", "init", "no"],
      ["web-main", "main", "always"],
    ]);
    const [, web] = containers(
      "name: s\nservices: {web: {image: a, depends_on: {job: {condition: service_completed_successfully}}}, job: {image: b}}",
    );
    expect(web?.converted?.group?.after).toEqual([{ container: "s-job", condition: "completed" }]);
  });
});
