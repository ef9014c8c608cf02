import { describe, expect, it } from "vitest";
import { parseImageDocument, type IndexEntry } from "../../agent/imgadm/oci/documents.ts";
import { offeredPlatforms, runnableEntries } from "../../agent/imgadm/oci/platform.ts";
import { parseChallenges } from "../../agent/imgadm/registry/challenge.ts";
import { registryEndpoint } from "../../agent/imgadm/registry/endpoint.ts";
import { parseRetryAfter, retryDelayMs } from "../../agent/imgadm/registry/retry.ts";
import { redirectTarget } from "../../agent/imgadm/registry/transport.ts";
import { digestFromHex } from "../../agent/util/ids.ts";

describe("parseChallenges", () => {
  it.each([
    [
      ['Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/x:pull"'],
      [
        {
          scheme: "bearer",
          parameters: {
            realm: "https://auth.docker.io/token",
            service: "registry.docker.io",
            scope: "repository:library/x:pull",
          },
        },
      ],
    ],
    [
      ['BEARER Realm="https://a/?x=1,2" , SCOPE="repository:a:pull,push"'],
      [{ scheme: "bearer", parameters: { realm: "https://a/?x=1,2", scope: "repository:a:pull,push" } }],
    ],
    [['Basic realm="a \\"quoted\\" word"'], [{ scheme: "basic", parameters: { realm: 'a "quoted" word' } }]],
    [
      ['Basic realm=plain, Bearer realm="https://b"'],
      [
        { scheme: "basic", parameters: { realm: "plain" } },
        { scheme: "bearer", parameters: { realm: "https://b" } },
      ],
    ],
    [
      ["Negotiate", 'Bearer realm="https://b"'],
      [
        { scheme: "negotiate", parameters: {} },
        { scheme: "bearer", parameters: { realm: "https://b" } },
      ],
    ],
    [
      ["Negotiate, Basic realm=x"],
      [
        { scheme: "negotiate", parameters: {} },
        { scheme: "basic", parameters: { realm: "x" } },
      ],
    ],
    [['Bearer realm="unfinished'], [{ scheme: "bearer", parameters: {} }]],
    [["", ",,,"], []],
  ])("%j", (headers, challenges) => {
    expect(parseChallenges(headers)).toEqual(challenges);
  });
});

describe("registryEndpoint", () => {
  const registries = { insecure: ["10.0.0.20:5000"], concurrency: 3, hosts: {}, proxy: {} };
  it.each([
    ["docker.io", "https://registry-1.docker.io"],
    ["quay.io", "https://quay.io"],
    ["localhost:5000", "http://localhost:5000"],
    ["127.3.2.1:5000", "http://127.3.2.1:5000"],
    ["[::1]:5000", "http://[::1]:5000"],
    ["10.0.0.20:5000", "http://10.0.0.20:5000"],
    ["10.0.0.20", "https://10.0.0.20"],
    ["127.example.com", "https://127.example.com"],
  ])("%s -> %s", (domain, origin) => {
    expect(registryEndpoint(domain, registries).origin).toBe(origin);
  });
});

describe("redirectTarget", () => {
  it.each([
    ["https://r/v2/x/blobs/d", "https://cdn.example/x?sig=1", "https://cdn.example/x?sig=1"],
    ["https://r/v2/x/blobs/d", "../../y", "https://r/v2/y"],
    ["http://127.0.0.1:1/a", "http://127.0.0.1:2/b", "http://127.0.0.1:2/b"],
  ])("%s to %s", (from, location, target) => {
    expect(redirectTarget(new URL(from), location).href).toBe(target);
  });

  it.each([
    ["https://r/a", "http://r/a"],
    ["https://r/a", "https://127.0.0.1/a"],
    ["https://r/a", "https://169.254.169.254/latest/meta-data"],
    ["https://r/a", "https://[::1]/a"],
    ["https://r/a", "file:///etc/passwd"],
    ["http://r/a", "http://localhost:9090/"],
  ])("refuses %s to %s", (from, location) => {
    expect(() => redirectTarget(new URL(from), location)).toThrow(
      expect.objectContaining({ code: "REGISTRY_PROTOCOL" }),
    );
  });
});

describe("retries", () => {
  const policy = { attempts: 5, baseMs: 100, maxMs: 1000 };
  it("double with jitter up to a bound", () => {
    for (let attempt = 1; attempt < 8; attempt++) {
      const delay = retryDelayMs(policy, attempt, undefined) ?? NaN;
      const bound = Math.min(100 * 2 ** (attempt - 1), 1000);
      expect(delay).toBeGreaterThanOrEqual(bound / 2);
      expect(delay).toBeLessThanOrEqual(bound);
    }
  });
  it("obey Retry-After while it is bearable", () => {
    expect(retryDelayMs(policy, 1, "1")).toBe(1000);
    expect(retryDelayMs(policy, 1, "3600")).toBeUndefined();
    expect(parseRetryAfter("Tue, 24 Nov 2026 22:00:10 GMT", Date.parse("2026-11-24T22:00:00Z"))).toBe(10_000);
    expect(parseRetryAfter("soon", 0)).toBeUndefined();
  });
});

const digest = (n: number) => digestFromHex(n.toString(16).padStart(64, "0"));
const entry = (n: number, platform?: Partial<IndexEntry["platform"]>, more: Partial<IndexEntry> = {}): IndexEntry => ({
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest: digest(n),
  size: 1,
  ...(platform ? { platform: { os: "linux", architecture: "amd64", ...platform } } : {}),
  ...more,
});

describe("choosing linux/amd64", () => {
  it("takes what says so first, then what says nothing, and no attestation", () => {
    const entries = [
      entry(1, { architecture: "arm64", variant: "v8" }),
      entry(2),
      entry(3, { os: "unknown", architecture: "unknown" }),
      entry(4, { architecture: "x86_64" }),
      entry(5, {}),
      entry(6, {}, { annotations: { "vnd.docker.reference.type": "attestation-manifest" } }),
      entry(7, { variant: "v3" }),
      entry(8, { os: "windows" }),
      entry(9, { "os.features": ["future"] }),
      entry(10, { variant: "v1" }),
      entry(11, { architecture: "386" }),
    ];
    expect(runnableEntries(entries).map((each) => each.digest)).toEqual([4, 5, 10, 2].map(digest));
    expect(offeredPlatforms(entries)).toEqual([
      "linux/arm64",
      "linux/amd64",
      "linux/amd64/v3",
      "windows/amd64",
      "linux/386",
    ]);
  });
});

describe("parseImageDocument", () => {
  const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
  const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest: digest(1), size: 2 };
  const manifest = { schemaVersion: 2, config, layers: [] };
  const index = { schemaVersion: 2, manifests: [] };

  it.each([
    ["by Content-Type", manifest, "application/vnd.oci.image.manifest.v1+json; charset=utf-8", "manifest"],
    ["by Content-Type", index, "application/vnd.docker.distribution.manifest.list.v2+json", "index"],
    ["by mediaType", { ...index, mediaType: "application/vnd.oci.image.index.v1+json" }, "application/json", "index"],
    ["by shape", manifest, undefined, "manifest"],
    ["by shape", index, "application/octet-stream", "index"],
  ])("tells the kind %s", (_, document, contentType, kind) => {
    expect(parseImageDocument(bytes(document), contentType, "it").kind).toBe(kind);
  });

  it.each([
    ["schema 1", { schemaVersion: 1, fsLayers: [] }, undefined, "IMAGE_UNSUPPORTED"],
    ["schema 1 by type", { x: 1 }, "application/vnd.docker.distribution.manifest.v1+prettyjws", "IMAGE_UNSUPPORTED"],
    ["both kinds at once", { ...manifest, manifests: [] }, undefined, "IMAGE_CORRUPT"],
    ["a manifest sent as index", manifest, "application/vnd.oci.image.index.v1+json", "IMAGE_CORRUPT"],
    ["an index sent as manifest", index, "application/vnd.oci.image.manifest.v1+json", "IMAGE_CORRUPT"],
    ["neither", { schemaVersion: 2 }, undefined, "IMAGE_CORRUPT"],
    ["no object", [1], undefined, "IMAGE_CORRUPT"],
    ["a digest of another kind", { ...manifest, config: { ...config, digest: "md5:1" } }, undefined, "IMAGE_CORRUPT"],
    ["a negative size", { ...manifest, config: { ...config, size: -1 } }, undefined, "IMAGE_CORRUPT"],
    ["too many layers", { ...manifest, layers: Array.from({ length: 513 }, () => config) }, undefined, "IMAGE_CORRUPT"],
  ])("refuses %s", (_, document, contentType, code) => {
    expect(() => parseImageDocument(bytes(document), contentType, "it")).toThrow(expect.objectContaining({ code }));
  });

  it("refuses what is not JSON, and names it", () => {
    expect(() => parseImageDocument(Buffer.from("<html>"), undefined, "manifest of x")).toThrow(
      "manifest of x is not JSON",
    );
  });
});
