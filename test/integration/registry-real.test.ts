// Against the docker-registry of Debian, behind passwords, tokens, private authorities and client certificates. One plain
// registry takes the images in; the others serve the same storage.
import { createHash, randomBytes } from "node:crypto";
import { readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TestAuthority } from "../support/certificates.ts";
import { TestLayout } from "../support/images.ts";
import { dockerConfigFile, RegistrySession } from "../support/registry-session.ts";
import { TestRegistry, type RegistrySettings } from "../support/registry.ts";
import { rawTar } from "../support/tars.ts";
import { TokenServer } from "../support/token-server.ts";

const LOGIN = { username: "alice", password: "secret word" };
/** bcrypt of the password above. */
const HTPASSWD = "alice:$2y$04$abcdefghijklmnopqrstuuP6/q0obcGuk6SuzN66aTZwHeRCLMzKO\n";
const BASIC = Buffer.from(`${LOGIN.username}:${LOGIN.password}`).toString("base64");

let work: string;
let authority: TestAuthority;
let layout: TestLayout;
let plain: TestRegistry;
let manifest: string;
const started: { stop(): Promise<void> }[] = [];

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), "zl-"));
  authority = new TestAuthority(join(work, "ca"));
  layout = await TestLayout.create(join(work, "images"));
  await layout.image("app", [(l) => l.file("a"), (l) => l.file("b")]);
  ({ manifest } = layout.describe("app"));
  plain = await TestRegistry.start(join(work, "plain"));
  started.push(plain);
  await plain.push(layout.directory, "app", "team/app:1.0");
  await plain.push(layout.directory, "app", "team/app:1.10", "--format", "v2s2");
  // Of its own content: layers the registry has already would not be packed anew.
  await layout.image("zstd", [(l) => l.file("z"), (l) => l.file("zz")]);
  await plain.push(layout.directory, "zstd", "team/app:zstd", "--dest-compress-format", "zstd", "--format", "oci");
});

afterAll(async () => {
  for (const each of started) await each.stop();
  rmSync(work, { recursive: true, force: true });
});

let restarted: Promise<unknown> | undefined;

let count = 0;
async function serve(settings: RegistrySettings): Promise<TestRegistry> {
  const registry = await TestRegistry.start(join(work, `r${++count}`), { ...settings, storage: plain.storage });
  started.push(registry);
  return registry;
}

async function withPassword(): Promise<TestRegistry> {
  const file = join(work, "htpasswd");
  writeFileSync(file, HTPASSWD);
  return serve({ auth: `{ htpasswd: { realm: "a, realm", path: ${file} } }` });
}

function session(settings: ConstructorParameters<typeof RegistrySession>[1] = {}): RegistrySession {
  return new RegistrySession(join(work, `node${++count}`), settings);
}

describe("plain", () => {
  it.each(["team/app:1.0", "team/app:1.10", "team/app:zstd"])("%s is fetched and every digest holds", async (name) => {
    expect((await session().fetch(`${plain.host}/${name}`)).layers.length).toBe(2);
  });

  it("takes a digest, with or without a tag beside it", async () => {
    expect((await session().fetch(`${plain.host}/team/app@${manifest}`)).manifest).toBe(manifest);
    expect((await session().fetch(`${plain.host}/team/app:nonsense@${manifest}`)).manifest).toBe(manifest);
  });

  it("lists repositories, and tags with size, age and platform", async () => {
    const { registries } = session();
    expect(await registries.repositories(plain.host)).toEqual(["team/app"]);
    const { tags, more } = await registries.tags(`${plain.host}/team/app`, { limit: 2 });
    expect(tags.map(({ tag, platforms }) => [tag, platforms])).toEqual([
      ["zstd", ["linux/amd64"]],
      ["1.10", ["linux/amd64"]],
    ]);
    expect(more).toBe(1);
    const one = await registries.tags(`${plain.host}/team/app:1.0`, { limit: 50 });
    expect(one.tags).toMatchObject([{ tag: "1.0", digest: manifest, size: expect.any(Number) as number }]);
    await expect(registries.tags(`${plain.host}/team/nothing`, { limit: 1 })).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
      hint: expect.stringContaining("404 NAME_UNKNOWN") as string,
    });
  });
});

describe("passwords", () => {
  it("are asked for, tried, kept at 0600, used and forgotten", async () => {
    const registry = await withPassword();
    const node = session();
    const image = `${registry.host}/team/app:1.0`;
    await expect(node.fetch(image)).rejects.toMatchObject({
      code: "REGISTRY_DENIED",
      message: `access denied by ${registry.host} for team/app (401)`,
      hint: expect.stringContaining(`zonelet login ${registry.host}`) as string,
    });
    await expect(node.registries.login(registry.host, { ...LOGIN, password: "wrong" })).rejects.toMatchObject({
      code: "REGISTRY_DENIED",
      message: `registry ${registry.host} refuses the login of alice (401)`,
    });
    expect(() => statSync(node.credentials)).toThrow("ENOENT");
    expect(await node.registries.login(`http://${registry.host}/v2/`, LOGIN)).toEqual({
      registry: registry.host,
      checked: true,
    });
    expect(statSync(node.credentials).mode & 0o777).toBe(0o600);
    expect((await node.fetch(image)).manifest).toBe(manifest);
    expect(await node.registries.repositories(registry.host)).toEqual(["team/app"]);
    expect(await node.registries.logout(registry.host)).toEqual({ registry: registry.host, removed: true });
    expect(readFileSync(node.credentials, "utf8")).not.toContain("secret");
    expect((await node.registries.logout(registry.host)).removed).toBe(false);
    await expect(node.fetch(image)).rejects.toMatchObject({ code: "REGISTRY_DENIED" });
  });

  it("come from docker's configuration, unless others can read it or a helper has them", async () => {
    const registry = await withPassword();
    const image = `${registry.host}/team/app:1.0`;
    const auths = { [`https://${registry.host}/v1/`]: { auth: BASIC } };
    const using = (content: unknown, mode?: number) =>
      session({ dockerConfig: dockerConfigFile(join(work, "docker"), content, mode) }).fetch(image);
    expect((await using({ auths })).manifest).toBe(manifest);
    await expect(using({ auths }, 0o644)).rejects.toMatchObject({
      code: "FILE_DENIED",
      hint: expect.stringContaining("chmod 600") as string,
    });
    await expect(using({ credsStore: "pass", auths: { [registry.host]: {} } })).rejects.toMatchObject({
      code: "REGISTRY_DENIED",
      hint: expect.stringContaining('the credential helper "pass", and helpers are not run here') as string,
    });
    await expect(using({ auths: { [registry.host]: { auth: "!" } } })).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
    await expect(using("nonsense")).rejects.toMatchObject({ code: "CONFIG_INVALID" });
  });

  it("that were saved and no longer hold are told as such, without being shown", async () => {
    const registry = await withPassword();
    const node = session();
    await node.registries.login(registry.host, LOGIN);
    writeFileSync(node.credentials, readFileSync(node.credentials, "utf8").replace("secret word", "stale-word"));
    const failure: unknown = await node.fetch(`${registry.host}/team/app:1.0`).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "REGISTRY_DENIED",
      hint: expect.stringContaining("logged in as alice") as string,
    });
    expect(JSON.stringify(failure)).not.toContain("stale-word");
  });
});

describe("tokens", () => {
  it("are granted to everybody or to a login, and renewed while an image is fetched", async () => {
    const signer = authority.issue("signer");
    const server = await TokenServer.start(signer);
    started.push(server);
    const registry = await serve({
      auth: `{ token: { realm: "${server.realm}", service: tests, issuer: tests, rootcertbundle: ${signer.cert} } }`,
    });
    const image = `${registry.host}/team/app:1.0`;
    const node = session();
    expect((await node.fetch(image)).manifest).toBe(manifest);
    expect(server.requests).toEqual([{ authorization: undefined, scopes: ["repository:team/app:pull"] }]);

    server.lifetime = 1;
    server.requests.length = 0;
    await node.fetch(image);
    expect(server.requests.length).toBeGreaterThanOrEqual(1);
    server.lifetime = 300;

    server.login = `${LOGIN.username}:${LOGIN.password}`;
    await expect(node.fetch(image)).rejects.toMatchObject({
      code: "REGISTRY_DENIED",
      message: `access denied by ${registry.host} for team/app (401)`,
    });
    await expect(node.registries.login(registry.host, { ...LOGIN, password: "no" })).rejects.toMatchObject({
      code: "REGISTRY_DENIED",
    });
    expect(await node.registries.login(registry.host, LOGIN)).toMatchObject({ checked: true });
    expect((await node.fetch(image)).manifest).toBe(manifest);
    expect(await node.registries.repositories(registry.host)).toEqual(["team/app"]);
  });
});

describe("https", () => {
  it("needs the authority, and the name the certificate was made for", async () => {
    const registry = await serve({ tls: authority.issue("server", ["IP:127.0.0.1"]) });
    const port = registry.host.split(":")[1] ?? "";
    const other = new TestAuthority(join(work, "other"));
    const fetching = (host: string, ca: string) => session({ hosts: { [host]: { ca } } }).fetch(`${host}/team/app:1.0`);
    expect((await fetching(registry.host, authority.ca)).manifest).toBe(manifest);
    await expect(fetching(registry.host, other.ca)).rejects.toMatchObject({
      code: "REGISTRY_UNTRUSTED",
      message: `registry ${registry.host}: its certificate is not trusted`,
      hint: expect.stringContaining(`registries.hosts."${registry.host}".ca`) as string,
    });
    await expect(fetching(`localhost:${port}`, authority.ca)).rejects.toMatchObject({
      code: "REGISTRY_UNTRUSTED",
      hint: expect.stringContaining("another name") as string,
    });
    await expect(session().fetch(`${registry.host}/team/app:1.0`)).rejects.toMatchObject({
      code: "REGISTRY_PROTOCOL",
      message: expect.stringContaining("400") as string,
    });
    await expect(fetching(registry.host, join(work, "nowhere.pem"))).rejects.toMatchObject({
      code: "CONFIG_INVALID",
    });
    await expect(fetching(plain.host, authority.ca)).rejects.toMatchObject({ code: "REGISTRY_PLAIN_HTTP" });
  });

  it("shows a client certificate where one is configured", async () => {
    const registry = await serve({ tls: { ...authority.issue("mutual", ["IP:127.0.0.1"]), clientCa: authority.ca } });
    const client = authority.issue("client");
    const fetching = (settings: { ca: string; cert?: string; key?: string }) =>
      session({ hosts: { [registry.host]: settings } }).fetch(`${registry.host}/team/app:1.0`);
    expect((await fetching({ ca: authority.ca, ...client })).manifest).toBe(manifest);
    await expect(fetching({ ca: authority.ca })).rejects.toMatchObject({
      code: "REGISTRY_UNTRUSTED",
      hint: expect.stringContaining("client certificate") as string,
    });
  });
});

describe("mirrors", () => {
  it("are asked in order, and the registry itself when none of them can", async () => {
    const empty = await TestRegistry.start(join(work, "empty"));
    started.push(empty);
    const dead = "127.0.0.1:1";
    const from = (domain: string, mirrors: string[]) =>
      session({ hosts: { [domain]: { mirrors } } }).fetch(`${domain}/team/app:1.0`);
    expect((await from("registry.invalid", [dead, empty.host, plain.host])).manifest).toBe(manifest);
    expect((await from(plain.host, [dead, empty.host])).manifest).toBe(manifest);
    await expect(from(empty.host, [dead])).rejects.toMatchObject({
      code: "IMAGE_NOT_FOUND",
      hint: expect.stringMatching(
        /mirrors tried before: registry 127\.0\.0\.1:1 is unreachable: nothing listens/,
      ) as string,
    });
  });
});

it("comes back to a layer when the registry was killed in the middle of it", async () => {
  // More than the buffers between us hold, and nothing that compresses.
  await layout.image("big", [{ tar: rawTar([{ name: "big", content: randomBytes(16_000_000).toString("hex") }]) }]);
  await plain.push(layout.directory, "big", "big:1");
  const registry = await serve({});
  const node = session({ retry: { attempts: 12, baseMs: 5, maxMs: 500 } });
  await node.using(`${registry.host}/big:1`, async (repository, image) => {
    const [layer] = image.layers;
    const hash = createHash("sha256");
    let received = 0;
    for await (const chunk of repository.blob(layer!, new AbortController().signal)) {
      hash.update(chunk);
      // Both happen while we read on.
      if (received === 0) restarted = registry.stop().then(() => registry.restart());
      received += chunk.length;
    }
    expect(`sha256:${hash.digest("hex")}`).toBe(layer!.digest);
  });
  await restarted;
});
