import { expect, test } from "vitest";
import { isContainerName, type ContainerName } from "../../agent/util/ids.ts";
import { messageOf, prepareText } from "../support/spec-builders.ts";

const RAW = `brand: lx
docker: true
image: a
alias: inside
max_physical_memory: 256
internal_metadata: {"docker:cmd": '["sh"]'}
`;
function name(text: string): ContainerName {
  if (!isContainerName(text)) throw new Error(`not a name: ${text}`);
  return text;
}

test.each([
  ["container spec", "image: a\nname: inside\n"],
  ["vmadm manifest", RAW],
])("a name and --rm beside a %s win over it", (_, text) => {
  const plain = prepareText(text);
  expect([plain.name, plain.autoRemove]).toEqual(["inside", false]);
  const prepared = prepareText(text, { identity: { name: name("outside"), autoRemove: true } });
  expect([prepared.name, prepared.manifest.alias, prepared.autoRemove]).toEqual(["outside", "outside", true]);
  expect(prepared.manifest.internal_metadata?.["zonelet:autoremove"]).toBe(true);
});

test("--rm beside a restart policy is refused like the same in a file", () => {
  expect(messageOf(() => prepareText("image: a\nrestart: always\n", { identity: { autoRemove: true } }))).toContain(
    "web.yaml:2:10 restart: a container that is removed when it exits cannot be restarted",
  );
  const raw = RAW.replace("}", ", docker:restartpolicy: always}");
  expect(messageOf(() => prepareText(raw, { identity: { autoRemove: true } }))).toContain(
    "web.yaml:6:67 internal_metadata.docker:restartpolicy: a container that is removed",
  );
});
