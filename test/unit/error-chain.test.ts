import { describe, expect, it } from "vitest";
import { AgentError, hasCode } from "../../agent/errors/agent-error.ts";
import { fromUnknown, inlineChain, toWire } from "../../agent/errors/chain.ts";
import { ERROR_CLASSES, EXIT_STATUS } from "../../agent/errors/classes.ts";
import { ERROR_CODES } from "../../agent/errors/codes.ts";

describe("inlineChain", () => {
  it("tells every message once, outermost first", () => {
    const error = new AgentError("ZONE_STATE", "start zone U: it is failed", {
      cause: new Error("vmadm exited 1", { cause: "start zone U: it is failed" }),
    });
    expect(inlineChain(error)).toBe("start zone U: it is failed: vmadm exited 1");
  });

  it("takes anything that can be thrown, and ends in a circle of causes", () => {
    expect(inlineChain("words")).toBe("words");
    expect(inlineChain({ a: 1 })).toBe('{"a":1}');
    const circle = new Error("round");
    circle.cause = circle;
    expect(inlineChain(circle)).toBe("round");
  });
});

describe("fromUnknown", () => {
  it("leaves an AgentError alone", () => {
    const error = new AgentError("USAGE", "x");
    expect(fromUnknown(error)).toBe(error);
  });

  it.each([
    [new DOMException("x", "AbortError"), "CANCELLED"],
    [new DOMException("x", "TimeoutError"), "DEADLINE"],
    [Object.assign(new Error("x"), { code: "ENOSPC" }), "DISK_FULL"],
    [Object.assign(new Error("x"), { code: "EDQUOT" }), "DISK_FULL"],
    [Object.assign(new Error("x"), { code: "EACCES" }), "FILE_DENIED"],
    [Object.assign(new Error("x"), { code: "EROFS" }), "FILE_DENIED"],
    [Object.assign(new Error("x"), { code: "EIO" }), "INTERNAL"],
    ["x", "INTERNAL"],
    [undefined, "INTERNAL"],
  ])("%s -> %s, the original kept", (thrown, code) => {
    const error = fromUnknown(thrown);
    expect(error.code).toBe(code);
    expect(error.cause).toBe(thrown);
  });

  it("takes what an abort was given as its reason", () => {
    const reason = new AgentError("DEADLINE", "too late");
    const abort = Object.assign(new Error("aborted", { cause: reason }), { name: "AbortError" });
    expect(fromUnknown(abort)).toBe(reason);
  });
});

describe("toWire", () => {
  it("has class, code, message, hint and details, and neither stack nor argv", () => {
    const error = new AgentError("NIC_TAG_MISSING", "create zone U", {
      cause: Object.assign(new Error("why"), { outcome: { argv: ["vmadm", "create"] } }),
      hint: "do this",
      details: { nicTags: ["external"] },
    });
    expect(JSON.parse(JSON.stringify(toWire(error)))).toEqual({
      class: "FailedPrecondition",
      code: "NIC_TAG_MISSING",
      message: "create zone U: why",
      hint: "do this",
      details: { nicTags: ["external"] },
    });
  });

  it("leaves out what is not there", () => {
    expect(Object.keys(toWire(new AgentError("USAGE", "x")))).toEqual(["class", "code", "message"]);
  });
});

describe("codes and classes", () => {
  it("every code has a class, every class an exit status", () => {
    for (const of of Object.values(ERROR_CODES)) expect(ERROR_CLASSES).toContain(of);
    for (const of of ERROR_CLASSES) expect(EXIT_STATUS[of]).toBeGreaterThan(0);
  });

  it("says what may work later unchanged", () => {
    expect(new AgentError("VMINFOD_UNAVAILABLE", "x")).toMatchObject({ retryable: true, exitStatus: 75 });
    expect(new AgentError("PAYLOAD_INVALID", "x")).toMatchObject({ retryable: false, exitStatus: 2 });
    expect(hasCode(new AgentError("USAGE", "x"), "DEADLINE", "USAGE")).toBe(true);
    expect(hasCode(new Error("x"), "USAGE")).toBe(false);
  });
});
