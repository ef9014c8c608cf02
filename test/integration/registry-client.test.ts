// The registry client against a server that misbehaves on demand (container-specs.md 10.8).
import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { resolveImage, type ResolvedImage } from "../../agent/imgadm/oci/resolve.ts";
import { parseReference } from "../../agent/imgadm/reference.ts";
import type { RegistryAccess } from "../../agent/imgadm/registry/access.ts";
import { RepositoryClient } from "../../agent/imgadm/registry/client.ts";
import { registryEndpoint } from "../../agent/imgadm/registry/endpoint.ts";
import { connectionFailure } from "../../agent/imgadm/registry/failures.ts";
import { createTransport, type Transport } from "../../agent/imgadm/registry/transport.ts";
import { createLogger } from "../../agent/log/logger.ts";
import { FakeRegistry } from "../support/fake-registry.ts";

const log = createLogger({ level: "silent", destination: process.stderr });
const registries = { insecure: [], concurrency: 3, hosts: {}, proxy: {} };
const LAYER = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: `sha256:${"4".repeat(64)}` };
const NEVER = new AbortController().signal;

let registry: FakeRegistry;
let transport: Transport;

beforeEach(async () => {
  registry = await FakeRegistry.start();
  transport = createTransport({ proxies: {}, registries });
});

afterEach(async () => {
  await transport.close();
  await registry.stop();
});

const access = (): RegistryAccess => ({
  transport,
  registries,
  log,
  retry: { attempts: 4, baseMs: 2, maxMs: 20 },
  pace: { windowMs: 500, bytes: 1000 },
  findCredentials: () => Promise.resolve({}),
});

const client = (name: string) => new RepositoryClient(parseReference(`${registry.host}/${name}`), access());

async function resolve(name: string): Promise<ResolvedImage> {
  const repository = client(name);
  return resolveImage(repository, await repository.root(NEVER), name, NEVER);
}

async function digestOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of chunks) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}

const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "nothing failed",
    (error: unknown) => error,
  );

function answer(response: ServerResponse, status: number, headers: Record<string, string> = {}, body = ""): true {
  response.writeHead(status, headers);
  response.end(body);
  return true;
}

describe("tokens", () => {
  /** Asks for a token as distribution's registries do; the token server is the same host. */
  function requireToken(tokenAnswer: Record<string, unknown>): void {
    registry.misbehave = (request, response) => {
      const url = new URL(request.url ?? "", `http://${registry.host}`);
      if (url.pathname === "/token") return answer(response, 200, {}, JSON.stringify(tokenAnswer));
      if (request.headers.authorization === "Bearer good") return false;
      return answer(response, 401, {
        "www-authenticate": `Bearer realm="http://${registry.host}/token?keep=1",service="the, registry",scope="repository:app:pull"`,
      });
    };
  }

  it.each([["token"], ["access_token"]])(
    "fetches a token (%s) once, for the scope asked for, and uses it",
    async (key) => {
      registry.image("app", [{ name: "a" }]);
      requireToken({ [key]: "good", expires_in: 300 });
      const image = await resolve("app");
      expect(await digestOf(image.source.blob(image.layers[0]!, NEVER))).toBe(image.layers[0]!.digest);
      const tokens = registry.seen.filter(({ path }) => path.startsWith("/token"));
      expect(tokens.map(({ path }) => path)).toEqual([
        "/token?keep=1&service=the%2C+registry&scope=repository%3Aapp%3Apull",
      ]);
      expect(tokens[0]?.authorization).toBeUndefined();
    },
  );

  it("renews a token that is refused, and gives up when that does not help", async () => {
    registry.image("app", [{ name: "a" }]);
    requireToken({ token: "bad" });
    expect(await failureOf(resolve("app"))).toMatchObject({
      code: "REGISTRY_DENIED",
      message: `access denied by ${registry.host} for app (401)`,
    });
    expect(registry.seen.length).toBeLessThan(8);
  });

  it.each([
    ["no token in the answer", { expires_in: 3 }, "REGISTRY_PROTOCOL"],
    ["a token that would break the header", { token: "a\r\nb" }, "REGISTRY_PROTOCOL"],
  ])("refuses %s", async (_, tokenAnswer, code) => {
    registry.image("app", [{ name: "a" }]);
    requireToken(tokenAnswer);
    expect(await failureOf(resolve("app"))).toMatchObject({ code });
  });

  it("cannot answer a registry that wants a password", async () => {
    registry.misbehave = (_, response) => answer(response, 401, { "www-authenticate": 'Basic realm="x"' });
    expect(await failureOf(resolve("app"))).toMatchObject({ code: "REGISTRY_DENIED" });
  });
});

describe("redirects", () => {
  it("are followed to another host without the token", async () => {
    const store = await FakeRegistry.start();
    try {
      const { digest, size } = registry.image("app", [{ name: "a" }]);
      store.blob(registry.blobs.get(digest)!);
      registry.misbehave = (request, response) => {
        if (request.url?.startsWith("/token") === true) return answer(response, 200, {}, '{"token":"t"}');
        if (request.headers.authorization === undefined)
          return answer(response, 401, { "www-authenticate": `Bearer realm="http://${registry.host}/token"` });
        if (request.url?.endsWith(digest) !== true) return false;
        return answer(response, 307, { location: `http://${store.host}/v2/x/blobs/${digest}` });
      };
      const image = await resolve("app");
      expect(await digestOf(image.source.blob({ digest: image.layers[0]!.digest, size }, NEVER))).toBe(digest);
      expect(store.seen.map(({ authorization }) => authorization)).toEqual([undefined]);
    } finally {
      await store.stop();
    }
  });

  it("never turn the form with a refresh token into a request elsewhere", async () => {
    const store = await FakeRegistry.start();
    try {
      registry.misbehave = (request, response) => {
        if (request.url?.startsWith("/token") === true)
          return answer(response, 307, { location: `http://${store.host}/` });
        return answer(response, 401, { "www-authenticate": `Bearer realm="http://${registry.host}/token"` });
      };
      const stolen = new RepositoryClient(parseReference(`${registry.host}/app`), {
        ...access(),
        findCredentials: () =>
          Promise.resolve({ credentials: { kind: "identity-token", username: "", token: "refresh" } }),
      });
      expect(await failureOf(stolen.root(NEVER))).toMatchObject({ code: "REGISTRY_PROTOCOL" });
      expect(store.seen).toEqual([]);
    } finally {
      await store.stop();
    }
  });

  it("do not go on for ever", async () => {
    registry.misbehave = (request, response) => answer(response, 302, { location: `${request.url ?? ""}x` });
    expect(await failureOf(resolve("app"))).toMatchObject({
      code: "REGISTRY_PROTOCOL",
      message: expect.stringContaining("redirects more than 10 times") as string,
    });
  });
});

describe("patience", () => {
  const first = (times: number, misbehaviour: (request: IncomingMessage, response: ServerResponse) => true) => {
    let left = times;
    registry.misbehave = (request, response) => left-- > 0 && misbehaviour(request, response);
  };

  it.each([
    ["500", (_: IncomingMessage, response: ServerResponse) => answer(response, 500)],
    [
      "503 with Retry-After",
      (_: IncomingMessage, response: ServerResponse) => answer(response, 503, { "retry-after": "0" }),
    ],
    ["429", (_: IncomingMessage, response: ServerResponse) => answer(response, 429)],
    [
      "a broken connection",
      (_: IncomingMessage, response: ServerResponse) => {
        response.destroy();
        return true as const;
      },
    ],
  ])("asks again after %s", async (_, misbehaviour) => {
    registry.image("app", [{ name: "a" }]);
    first(2, misbehaviour);
    expect((await resolve("app")).platform).toBe("linux/amd64");
  });

  it("ends, and says what the registry said", async () => {
    first(100, (_, response) =>
      answer(
        response,
        429,
        { "ratelimit-limit": "100;w=21600", "retry-after": "3600" },
        '{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}',
      ),
    );
    expect(await failureOf(resolve("app"))).toMatchObject({
      code: "REGISTRY_LIMIT",
      message: expect.stringMatching(/: pull limit reached \(429\), 100 per 6 h, resets \d\d:\d\d$/) as string,
      hint: expect.stringContaining("the registry said: TOOMANYREQUESTS: slow down") as string,
    });
    expect(registry.seen.length).toBe(1);
    first(100, (_, response) => answer(response, 502, {}, "<html>bad gateway</html>"));
    expect(await failureOf(resolve("app"))).toMatchObject({
      code: "REGISTRY_UNREACHABLE",
      message: `registry ${registry.host} answers 502`,
    });
  });

  it.each([
    ["a registry that knows ranges", true],
    ["one that does not", false],
  ])("takes up a layer where the connection broke, with %s", async (_, ranges) => {
    const content = randomBytes(300_000);
    const { digest } = registry.blob(content);
    let breaks = 3;
    registry.misbehave = (request, response) => {
      if (!ranges) delete request.headers.range;
      if (breaks-- <= 0) return false;
      const from = Number(/=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      const part = content.subarray(from);
      response.writeHead(from > 0 ? 206 : 200, {
        "content-length": part.length,
        ...(from > 0 ? { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
      });
      response.write(part.subarray(0, 80_000), () => response.destroy());
      return true;
    };
    const repository = client("app");
    const layer = { digest: parseReference(`x@${digest}`).digest!, size: content.length };
    expect(await digestOf(repository.blob(layer, NEVER))).toBe(digest);
    expect(registry.seen.length).toBe(4);
    expect(registry.seen[1]?.range).toMatch(/^bytes=[1-9]\d*-$/);
  });

  it("takes a layer that is dripped at us for broken, again and again, and says so in the end", async () => {
    const { digest, size } = registry.blob(randomBytes(5_000));
    const drips: NodeJS.Timeout[] = [];
    registry.misbehave = (_, response) => {
      response.writeHead(200, { "content-length": size });
      drips.push(setInterval(() => response.write("x"), 10));
      return true;
    };
    const dripping = new RepositoryClient(parseReference(`${registry.host}/app`), {
      ...access(),
      retry: { attempts: 1, baseMs: 1, maxMs: 1 },
      pace: { windowMs: 60, bytes: 1000 },
    });
    const layer = { digest: parseReference(`x@${digest}`).digest!, size };
    expect(await failureOf(digestOf(dripping.blob(layer, NEVER)))).toMatchObject({
      code: "REGISTRY_UNREACHABLE",
      message: `registry ${registry.host} is unreachable: it did not answer in time`,
    });
    expect(registry.seen.length).toBe(4);
    for (const drip of drips) clearInterval(drip);
  });

  it.each([
    ["longer", (size: number) => size + 10],
    ["shorter", (size: number) => size - 10],
  ])("is not tried on a layer that claims to be %s than the manifest says", async (_, claim) => {
    const { digest, size } = registry.blob(randomBytes(5_000));
    registry.misbehave = (_request, response) => {
      response.writeHead(200, { "content-length": claim(size) });
      response.write(registry.blobs.get(digest)!.subarray(0, 100));
      return true;
    };
    const layer = { digest: parseReference(`x@${digest}`).digest!, size };
    expect(await failureOf(digestOf(client("app").blob(layer, NEVER)))).toMatchObject({ code: "IMAGE_CORRUPT" });
    expect(registry.seen.length).toBe(1);
  });

  it("has an end with headers that have none", async () => {
    registry.misbehave = (_, response) => answer(response, 200, { "x-noise": "y".repeat(40_000) }, "{}");
    expect(await failureOf(resolve("app"))).toMatchObject({
      code: "REGISTRY_PROTOCOL",
      message: `registry ${registry.host} sends headers larger than 16 KiB`,
    });
  });

  it("has an end with manifests that have none", async () => {
    let sent = 0;
    registry.misbehave = (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const more = (): void => {
        while (!response.destroyed) {
          sent += 65_536;
          if (!response.write(" ".repeat(65_536))) break;
        }
      };
      response.on("drain", more).on("error", () => undefined);
      more();
      return true;
    };
    expect(await failureOf(resolve("app"))).toMatchObject({
      code: "IMAGE_CORRUPT",
      message: expect.stringContaining("larger than") as string,
    });
    expect(sent).toBeLessThan(32 * 1024 * 1024);
  });

  it("asks the token server again after a failure of its own", async () => {
    registry.image("app", [{ name: "a" }]);
    let failures = 2;
    registry.misbehave = (request, response) => {
      if (request.url?.startsWith("/token") === true)
        return failures-- > 0 ? answer(response, 503) : answer(response, 200, {}, '{"token":"t"}');
      if (request.headers.authorization === "Bearer t") return false;
      return answer(response, 401, { "www-authenticate": `Bearer realm="http://${registry.host}/token"` });
    };
    expect((await resolve("app")).platform).toBe("linux/amd64");
  });

  it("ends at once when it is aborted", async () => {
    registry.misbehave = () => true;
    const stop = new AbortController();
    const pulling = failureOf(client("app").root(stop.signal));
    stop.abort();
    expect(await pulling).toMatchObject({ name: "AbortError" });
  });
});

describe("documents", () => {
  it("are checked against the digest asked for and the one claimed", async () => {
    registry.image("app", [{ name: "a" }]);
    const wrong = `sha256:${"0".repeat(64)}`;
    expect(await failureOf(client(`app@${wrong}`).root(NEVER))).toMatchObject({ code: "IMAGE_CORRUPT" });
    registry.misbehave = (_, response) => answer(response, 200, { "docker-content-digest": wrong }, "{}");
    expect(await failureOf(client("app").root(NEVER))).toMatchObject({ code: "IMAGE_CORRUPT" });
  });

  it("are followed from an index to linux/amd64, past attestations and other platforms", async () => {
    registry.image("inner", [{ name: "a" }]);
    const inner = registry.manifests.get("inner")!;
    const digest = `sha256:${createHash("sha256").update(inner.body).digest("hex")}`;
    registry.manifests.set(digest, inner);
    const entry = (platform: object, of = digest) => ({
      mediaType: inner.type,
      digest: of,
      size: inner.body.length,
      platform,
    });
    const other = `sha256:${"1".repeat(64)}`;
    registry.manifest("app", "application/vnd.oci.image.index.v1+json", {
      schemaVersion: 2,
      manifests: [
        entry({ os: "unknown", architecture: "unknown" }, other),
        entry({ os: "linux", architecture: "arm64" }, other),
        entry({ os: "linux", architecture: "amd64" }),
      ],
    });
    expect(await resolve("app")).toMatchObject({ manifest: digest, platform: "linux/amd64" });
  });

  it.each([
    ["too large", { padding: "x".repeat(4 * 1024 * 1024) }, "IMAGE_CORRUPT"],
    [
      "no image but an artifact",
      { config: { mediaType: "application/vnd.oci.empty.v1+json", digest: `sha256:${"4".repeat(64)}`, size: 2 } },
      "IMAGE_UNSUPPORTED",
    ],
    [
      "of foreign layers",
      {
        layers: [
          {
            mediaType: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
            digest: `sha256:${"4".repeat(64)}`,
            size: 2,
          },
        ],
      },
      "IMAGE_UNSUPPORTED",
    ],
    ["short of layers", { layers: [] }, "IMAGE_CORRUPT"],
    ["of a giant layer", { layers: [{ ...LAYER, size: 21 * 1024 ** 3 }] }, "IMAGE_UNSUPPORTED"],
  ])("are refused when %s", async (_, changes, code) => {
    registry.image("app", [{ name: "a" }], changes);
    expect(await failureOf(resolve("app"))).toMatchObject({ code });
  });

  it("of any bytes never break the reader", async () => {
    registry.misbehave = (_, response) => answer(response, 404, {}, "\u001b[31m<nonsense\n");
    expect(await failureOf(resolve("app"))).toMatchObject({
      code: "IMAGE_NOT_FOUND",
      hint: expect.not.stringContaining("\u001b") as string,
    });
  });
});

it("recognises plain HTTP where TLS was spoken", async () => {
  const endpoint = registryEndpoint("10.0.0.20:5000", registries);
  const failure = await failureOf(transport.request({ url: new URL(`https://${registry.host}/v2/`), headers: {} }));
  expect(connectionFailure(failure, endpoint)).toMatchObject({
    code: "REGISTRY_PLAIN_HTTP",
    message: "registry 10.0.0.20:5000 speaks plain HTTP",
    hint: expect.stringContaining('registries.insecure: ["10.0.0.20:5000"]') as string,
  });
});

describe("proxies", () => {
  /** Answers every request itself, in absolute or tunnelled form, and remembers what it was asked for. */
  it("are asked for everything but loopback and what the list of exceptions names", async () => {
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(request.url ?? "");
      response.writeHead(404).end();
    }).on("connect", (request, socket) => {
      asked.push(request.url ?? "");
      socket.end("HTTP/1.1 502 no\r\n\r\n");
    });
    await new Promise<void>((done) => proxy.listen(0, "127.0.0.1", done));
    const bound = proxy.address();
    const url = `http://127.0.0.1:${typeof bound === "object" ? (bound?.port ?? 0) : 0}`;
    const proxied = createTransport({ proxies: { http: url, https: url, none: "direct.invalid" }, registries });
    try {
      const get = (target: string) => failureOf(proxied.request({ url: new URL(target), headers: {} }));
      await get("https://registry.invalid/v2/");
      await get("https://direct.invalid/v2/");
      await get(`http://${registry.host}/v2/`);
      expect(asked).toEqual(["registry.invalid:443"]);
      expect(registry.seen.length).toBe(1);
    } finally {
      await proxied.close();
      proxy.close();
    }
  });
});
