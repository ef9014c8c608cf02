// Every way a registry says no, in the words a person gets (users-and-ecosystem.md A4): what happened, and what to do.
import { describe, expect, it } from "vitest";
import { AgentError } from "../../agent/errors/agent-error.ts";
import { nextPage } from "../../agent/imgadm/registry/browse.ts";
import {
  connectionFailure,
  statusFailure,
  type Asked,
  type RefusalContext,
} from "../../agent/imgadm/registry/failures.ts";

const endpoint = { domain: "docker.io", origin: "https://registry-1.docker.io", plainHttp: false };
const manifest: Asked = { what: "docker.io/library/nginxx:latest", repository: "nginxx", object: "manifest" };
const blob: Asked = { ...manifest, object: "blob" };
const catalog: Asked = { what: "the repositories", repository: "its list of repositories", object: "catalog" };
const login: Asked = { what: "the login of alice", repository: "", object: "login" };
const nothing = { code: undefined, message: undefined };
const alice: RefusalContext = {
  login: { credentials: { kind: "password", username: "alice", password: "x" }, remark: "logged in as alice" },
};

describe("answers", () => {
  it.each<[number, Asked, RefusalContext, string, string, RegExp]>([
    [404, manifest, {}, "IMAGE_NOT_FOUND", "image not found: docker.io/library/nginxx:latest", /answered 404/],
    [404, blob, {}, "IMAGE_CORRUPT", "docker.io/library/nginxx:latest: the registry lacks a part", /push the image/],
    [401, manifest, {}, "REGISTRY_DENIED", "access denied by docker.io for nginxx (401)", /zonelet login docker\.io/],
    [403, manifest, alice, "REGISTRY_DENIED", "access denied by docker.io for nginxx (403)", /logged in as alice/],
    [429, manifest, {}, "REGISTRY_LIMIT", "docker.io: pull limit reached (429)", /zonelet login docker\.io.*mirror/],
    [429, manifest, alice, "REGISTRY_LIMIT", "docker.io: pull limit reached (429)", /^wait, or set a mirror/],
    [503, manifest, {}, "REGISTRY_UNREACHABLE", "registry docker.io answers 503", /try again later/],
    [418, manifest, {}, "REGISTRY_PROTOCOL", "registry docker.io answered 418 for docker.io/library/nginxx", /^$/],
    [401, catalog, {}, "REGISTRY_DENIED", "access denied by docker.io for its list of repositories", /registry ls/],
    [404, catalog, {}, "REGISTRY_NO_CATALOG", "registry docker.io does not list its repositories", /registry ls/],
    [401, catalog, alice, "REGISTRY_NO_CATALOG", "registry docker.io does not list its repositories", /registry ls/],
    [401, login, alice, "REGISTRY_DENIED", "registry docker.io refuses the login of alice (401)", /nothing was saved/],
    [404, login, alice, "REGISTRY_PROTOCOL", "docker.io is no registry: it has no /v2/", /^$/],
  ])("%i about %o", (status, asked, context, code, message, hint) => {
    const failure = statusFailure(status, nothing, endpoint, asked, context);
    expect(failure.code).toBe(code);
    expect(failure.message.startsWith(message), failure.message).toBe(true);
    expect(failure.hint ?? "").toMatch(hint);
  });

  it("carry what the registry said", () => {
    const words = { code: "UNAUTHORIZED", message: "authentication required" };
    expect(statusFailure(401, words, endpoint, manifest).hint).toMatch(
      /; the registry said: UNAUTHORIZED: authentication required$/,
    );
  });
});

describe("connections", () => {
  it.each([
    ["ENOTFOUND", "REGISTRY_UNREACHABLE", "its name does not resolve", /resolvers/],
    ["ECONNREFUSED", "REGISTRY_UNREACHABLE", "nothing listens there", /port/],
    ["UND_ERR_CONNECT_TIMEOUT", "REGISTRY_UNREACHABLE", "it did not answer in time", /firewall|proxy/],
    ["ECONNRESET", "REGISTRY_UNREACHABLE", "the connection broke", /try again/],
    [
      "ERR_SSL_WRONG_VERSION_NUMBER",
      "REGISTRY_PLAIN_HTTP",
      "speaks plain HTTP",
      /registries\.insecure: \["docker\.io"\]/,
    ],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "REGISTRY_UNTRUSTED", "its certificate is not trusted", /hosts\."docker\.io"\.ca/],
    ["SELF_SIGNED_CERT_IN_CHAIN", "REGISTRY_UNTRUSTED", "its certificate is not trusted", /\.ca:/],
    ["CERT_HAS_EXPIRED", "REGISTRY_UNTRUSTED", "its certificate is not trusted", /expired.*clock/],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "REGISTRY_UNTRUSTED", "its certificate is not trusted", /another name/],
    ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "REGISTRY_UNTRUSTED", "refuses the TLS", /client certificate/],
    ["UND_ERR_HEADERS_OVERFLOW", "REGISTRY_PROTOCOL", "headers larger than", /^$/],
  ])("%s", (code, expected, message, hint) => {
    const failure = connectionFailure(Object.assign(new Error("low"), { code }), endpoint);
    if (!(failure instanceof AgentError)) throw new Error("not an AgentError");
    expect(failure.code).toBe(expected);
    expect(failure.message).toContain(message);
    expect(failure.hint ?? "").toMatch(hint);
  });

  it("leave alone what is not theirs", () => {
    const bug = new TypeError("x is not a function");
    expect(connectionFailure(bug, endpoint)).toBe(bug);
  });
});

describe("nextPage", () => {
  const current = new URL("https://r.example/v2/_catalog?n=2");
  it.each([
    ['</v2/_catalog?last=b&n=2>; rel="next"', "_catalog?last=b&n=2"],
    ["<https://r.example/v2/_catalog?last=b>; rel=next", "_catalog?last=b"],
    ['<https://evil.example/v2/_catalog>; rel="next"', undefined],
    ['</elsewhere>; rel="next"', undefined],
    ['</v2/_catalog?last=b>; rel="prev"', undefined],
    ["nonsense", undefined],
    [undefined, undefined],
  ])("%s", (link, next) => {
    expect(nextPage(link, current)).toBe(next);
  });
});
