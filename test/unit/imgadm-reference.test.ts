import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { isRegistryAlone, parseReference, parseRegistry } from "../../agent/imgadm/reference.ts";

const DIGEST = `sha256:${"0123456789abcdef".repeat(4)}`;

describe("parseReference", () => {
  it.each([
    ["busybox", "docker.io/library/busybox:latest", "busybox:latest"],
    ["library/busybox", "docker.io/library/busybox:latest", "busybox:latest"],
    ["docker.io/busybox", "docker.io/library/busybox:latest", "busybox:latest"],
    ["index.docker.io/library/busybox", "docker.io/library/busybox:latest", "busybox:latest"],
    ["google/python:3.3", "docker.io/google/python:3.3", "google/python:3.3"],
    ["library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"],
    ["quay.io/foo/bar:v1", "quay.io/foo/bar:v1", "quay.io/foo/bar:v1"],
    ["ghcr.io/foo.bar/x", "ghcr.io/foo.bar/x:latest", "ghcr.io/foo.bar/x:latest"],
    ["localhost/foo", "localhost/foo:latest", "localhost/foo:latest"],
    ["localhost:5000/foo:x", "localhost:5000/foo:x", "localhost:5000/foo:x"],
    ["myreg:5000/a/b", "myreg:5000/a/b:latest", "myreg:5000/a/b:latest"],
    ["[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a:latest"],
    ["Registry/a", "Registry/a:latest", "Registry/a:latest"],
    ["a__b/c--d/e.f_g", "docker.io/a__b/c--d/e.f_g:latest", "a__b/c--d/e.f_g:latest"],
    [`alpine@${DIGEST}`, `docker.io/library/alpine@${DIGEST}`, `alpine@${DIGEST}`],
    [`alpine:3@${DIGEST}`, `docker.io/library/alpine@${DIGEST}`, `alpine@${DIGEST}`],
    ["r.example:443/x:UPPER_tag.1-2", "r.example:443/x:UPPER_tag.1-2", "r.example:443/x:UPPER_tag.1-2"],
  ])("%s", (text, canonical, familiar) => {
    expect(parseReference(text)).toMatchObject({ canonical, familiar });
  });

  it("has no tag where a digest alone was given, and keeps both where both were", () => {
    expect(parseReference(`a@${DIGEST}`)).toMatchObject({ tag: undefined, digest: DIGEST });
    expect(parseReference(`a:1@${DIGEST}`)).toMatchObject({ tag: "1", digest: DIGEST });
  });

  it.each([
    ["", /it is empty/],
    ["Nginx", /upper-case letters/],
    ["team/Nginx:1", /upper-case letters/],
    ["nginx:", /the tag after `:` is missing/],
    ["nginx:a:b", /"a:b" is not a tag/],
    ["nginx:-x", /"-x" is not a tag/],
    [`nginx:${"t".repeat(129)}`, /is not a tag/],
    ["a//b", /empty part between slashes/],
    ["/a", /empty part/],
    ["a/", /empty part/],
    ["docker.io/", /name is missing/],
    ["a/-b", /"-b" is not a part/],
    ["a/b_", /"b_" is not a part/],
    ["a/___b", /is not a part/],
    ["a/../b", /is not a part/],
    ["quay.io/a/..", /is not a part/],
    ["-x.io/a", /"-x.io" is not a registry's host/],
    ["host:99999/a", /is not a registry's host/],
    ["a b", /white space/],
    ["a\n", /white space/],
    ["https://quay.io/a", /it is a URL/],
    ["0123456789abcdef".repeat(4), /name a digest, not a repository/],
    ["a@sha256:123", /"sha256:123" is not a digest/],
    [`a@${DIGEST.toUpperCase()}`, /is not a digest/],
    [`a@${DIGEST}@${DIGEST}`, /is not a digest/],
    ["a".repeat(254) + "/b", /longer than 255/],
    ["a".repeat(5000), /longer than 1024/],
  ])("refuses %j", (text, why) => {
    expect(() => parseReference(text)).toThrow(why);
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: "IMAGE_REFERENCE_INVALID" }));
  });

  it("suggests what was meant", () => {
    expect(failure("team/Nginx")).toMatchObject({ hint: 'did you mean "team/nginx"?' });
    expect(failure("https://quay.io/a")).toMatchObject({ hint: "write it without the scheme: quay.io/a" });
  });

  it("knows that sha512 cannot become an image uuid", () => {
    expect(failure(`a@sha512:${"0".repeat(128)}`)).toMatchObject({ code: "IMAGE_UNSUPPORTED" });
  });

  it("gives parts that are safe in a URL path and stable when parsed again, or an AgentError", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."aB0._-/:@ %?#\n".split("")), maxLength: 40 }), (text) => {
        try {
          const { path, tag, canonical } = parseReference(text);
          expect(path).toMatch(/^[a-z0-9._/-]+$/);
          expect(path.split("/")).not.toContain("..");
          expect(tag ?? "x").toMatch(/^[\w.-]+$/);
          expect(parseReference(canonical).canonical).toBe(canonical);
        } catch (error) {
          if (!(error instanceof AgentError)) throw error;
        }
      }),
    );
  });
});

function failure(text: string): unknown {
  try {
    return parseReference(text);
  } catch (error) {
    return error;
  }
}

describe("parseRegistry", () => {
  it.each([
    ["docker.io", "docker.io"],
    ["https://index.docker.io/v1/", "docker.io"],
    ["https://registry.example.com:5000/", "registry.example.com:5000"],
    ["[::1]:5000", "[::1]:5000"],
    ["localhost", "localhost"],
  ])("%s is %s", (text, registry) => {
    expect(parseRegistry(text)).toBe(registry);
  });

  it.each(["", "bad host", "a/b", "host:99999", "-u", "ftp://x"])("refuses %j", (text) => {
    expect(() => parseRegistry(text)).toThrow("is not a registry's host[:port]");
  });

  it.each([
    ["docker.io", true],
    ["127.0.0.1:5000", true],
    ["localhost", true],
    ["nginx", false],
    ["docker.io/library/nginx", false],
    ["team/app", false],
  ])("isRegistryAlone(%s) is %s", (text, alone) => {
    expect(isRegistryAlone(text)).toBe(alone);
  });
});
