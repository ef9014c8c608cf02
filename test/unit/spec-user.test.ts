import { describe, expect, test } from "vitest";
import { checkUser } from "../../agent/spec/user.ts";
import { aNode, anImage, FILES, messageOf, prepareText } from "../support/spec-builders.ts";

const added = (user: string, files = FILES) => {
  const verdict = checkUser(user, files, { add: true });
  return verdict.ok ? [verdict.user, verdict.accounts?.passwd ?? [], verdict.accounts?.group ?? []] : verdict.message;
};

describe("a user of numbers is added by a name, so that a zone without the entry does not start as root", () => {
  test.each([
    ["uid alone has group 0, as with Docker", "4000", "uid4000:root", ["uid4000:x:4000:0::/:/bin/sh"], []],
    ["uid and gid", "4000:5000", "uid4000:gid5000", ["uid4000:x:4000:5000::/:/bin/sh"], ["gid5000:x:5000:"]],
    ["uid and a group it has", "4000:logs", "uid4000:logs", ["uid4000:x:4000:50::/:/bin/sh"], []],
    ["uid and a gid it has", "4000:50", "uid4000:logs", ["uid4000:x:4000:50::/:/bin/sh"], []],
    ["a user it has, and a gid", "web:5000", "web:gid5000", [], ["gid5000:x:5000:"]],
    ["leading zeros", "04000:0", "uid4000:root", ["uid4000:x:4000:0::/:/bin/sh"], []],
    ["root and a gid", "0:5000", "0:gid5000", [], ["gid5000:x:5000:"]],
  ])("%s", (_, user, value, passwd, group) => {
    expect(added(user)).toEqual([value, passwd, group]);
  });

  test.each(["web", "1000", "1000:1000", "web:logs", "root", ""])("nothing to do for %j", (user) => {
    expect(added(user)).toEqual([user, [], []]);
  });

  test("an image without files gets both", () => {
    const files = { passwd: "", group: "" };
    expect(added("7", files)).toEqual(["uid7:root", ["uid7:x:7:0::/:/bin/sh"], ["root:x:0:"]]);
  });

  test.each([
    ["a name", "nobody-here", 'the image has no user "nobody-here", and only numbers can be added'],
    ["a group's name", "1:staff", 'the image has no group "staff", and only numbers can be added'],
    ["too large a number", "4294967295", "user 4294967295 is larger than 2147483647"],
  ])("cannot be added: %s", (_, user, told) => {
    expect(added(user)).toBe(told);
  });

  test("nor where its name means somebody else", () => {
    const files = { ...FILES, passwd: `${FILES.passwd ?? ""}uid4000:x:1:1::/:/bin/sh\n` };
    expect(added("4000", files)).toBe('the image has "uid4000" with another number');
  });
});

describe("in a spec", () => {
  test("refused unless asked for, with the words for it", () => {
    expect(messageOf(() => prepareText("image: a\nuser: '4000'\n"))).toMatch(/^web.yaml:2:7 user: .* has no uid 4000/);
    const prepared = prepareText("image: a\nuser: '4000'\naddUser: true\n");
    expect(prepared.manifest.internal_metadata?.["docker:user"]).toBe("uid4000:root");
    expect(prepared.accounts).toEqual({ passwd: ["uid4000:x:4000:0::/:/bin/sh"], group: [] });
  });

  test("the caller may ask for it beside any document", () => {
    const pod =
      "apiVersion: v1\nkind: Pod\nmetadata: { name: p }\nspec:\n  containers:\n" +
      "    - { name: c, image: a, command: [x], securityContext: { runAsUser: 4000, runAsNonRoot: true } }\n";
    expect(messageOf(() => prepareText(pod))).toContain("no uid 4000");
    const { manifest } = prepareText(pod, { identity: { addUser: true } });
    expect(manifest.internal_metadata?.["docker:user"]).toBe("uid4000:root");
  });

  test("root stays refused by nonRoot", () => {
    expect(messageOf(() => prepareText("image: a\nnonRoot: true\n"))).toContain("root is refused as user");
    expect(messageOf(() => prepareText("image: a\nnonRoot: true\naddUser: true\nuser: '0:9'\n"))).toContain("refused");
    const image = anImage({ Cmd: ["sh"], User: "web" });
    expect(prepareText("image: a\nnonRoot: true\n", { image, node: aNode() }).manifest).toBeDefined();
  });
});
