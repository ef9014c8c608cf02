import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { joinForSu } from "../../agent/labhost/commands/zlogin.ts";
import { dockerexecFilter } from "../../agent/zones/dockerexec-filter.ts";
import { planExec } from "../../agent/zones/exec-plan.ts";
import { zloginWords } from "../../agent/zones/zlogin-words.ts";
import { aVm } from "../support/builders.ts";

const NASTY = [
  "",
  "it's",
  "''",
  "a 'b' c",
  "$HOME",
  "`id`",
  "a\tb'",
  "\n",
  "x;y|z&",
  '"',
  "\\",
  "*",
  "~",
  "-n",
  "ünï 'c",
  "#",
];
const word = fc.oneof(
  fc.constantFrom(...NASTY),
  fc.string({ unit: fc.constantFrom(...Array.from("'\" \t\n\\$`;|&()<>*?[]{}~#!-=aé")) }),
  fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\0") && text.isWellFormed()),
);

describe("words for zlogin", () => {
  test("come out of zlogin's joining and a shell's reading as they went in", () => {
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), (argv) => {
        const line = `printf '%s\\0' ${joinForSu(zloginWords(["first", ...argv], "shell"))}`;
        const read = execFileSync("/bin/sh", ["-c", line]).toString("utf8").split("\0").slice(0, -1);
        expect(read).toEqual(["first", ...argv]);
      }),
      { numRuns: 60 },
    );
  });

  test("are left alone where nobody reads them twice", () => {
    expect(zloginWords(NASTY, "intact")).toEqual(NASTY);
  });

  test("every quote of a word is quoted, not only the first", () => {
    expect(zloginWords(["a'b'c", "a' 'c"], "shell")).toEqual(["'a'\\''b'\\''c'", "a'\\'' '\\''c"]);
  });
});

describe("what dockerexec says before the command", () => {
  const before =
    "2024-05-14T09:41:00.300Z MDATA docker:user=node\n2024-05-14T09:41:00.301Z ENV[3] PASSWORD=a\nsecond line\n" +
    '2024-05-14T09:41:00.311Z TRYPATH "/bin/ls"\n2024-05-14T09:41:00.312Z EXEC\n';

  test("is held back wherever the chunks are cut, and nothing of the command's own is", () => {
    const after = Buffer.from("2024-05-14T09:41:00.313Z EXEC\nits own \xff words", "latin1");
    const all = Buffer.concat([Buffer.from(before), after]);
    for (let cut = 0; cut <= all.length; cut++) {
      const filter = dockerexecFilter();
      const seen = Buffer.concat([filter.push(all.subarray(0, cut)), filter.push(all.subarray(cut))]);
      expect(seen.equals(after)).toBe(true);
      expect(filter.prelude.state).toBe("begun");
    }
  });

  test("a fatal line tells why there is no command", () => {
    const filter = dockerexecFilter();
    filter.push(Buffer.from("2024-05-14T09:41:00.312Z FATAL (code: 17): 'x' not found in PATH\r\n"));
    expect(filter.prelude).toMatchObject({ state: "failed", failure: { code: 17, dockerCode: 127 } });
    expect(filter.push(Buffer.from("more\n"))).toHaveLength(0);
  });

  test("complaints of zlogin and su are kept, values of variables are not", () => {
    const filter = dockerexecFilter();
    filter.push(Buffer.from("su: no shell\n"));
    expect(filter.before).toBe("su: no shell");
    filter.push(Buffer.from("2024-05-14T09:41:00.312Z ENV[0] A=x\nSECRET\n"));
    expect(filter.before).toBe("su: no shell");
  });
});

describe("the plan of an exec", () => {
  const vm = aVm({ state: "running", internal_metadata: { "docker:user": "node", "docker:workdir": "/srv" } });

  test("needs dockerexec alone for the container's own user", () => {
    const own = { words: ["/native/usr/vm/sbin/dockerexec", "ls", "-l"], prelude: true };
    expect(planExec(vm, { argv: ["ls", "-l"] })).toEqual(own);
    expect(planExec(vm, { argv: ["ls", "-l"], user: "node" })).toEqual(own);
  });

  test("takes directory and variables through the platform's shell", () => {
    const plan = planExec(vm, { argv: ["ls"], workdir: "/a b", env: ["X=it's"] });
    expect(plan.words.slice(0, 3)).toEqual(["/native/usr/vm/sbin/dockerexec", "/native/usr/bin/bash", "-c"]);
    expect(plan.words.slice(4)).toEqual(["exec", "/a b", "X=it's", "--", "ls"]);
  });

  test("root needs no dockerexec, in whatever spelling; another user the container's su", () => {
    for (const user of ["root", "0", "0:0"])
      expect(planExec(vm, { argv: ["ls"], user })).toMatchObject({ prelude: false });
    const asUser = 'HOME=$(eval "printf %s ~$0"); export HOME; exec "$@"';
    const { words } = planExec(vm, { argv: ["ls"], user: "www" });
    expect(words.slice(-10)).toEqual(["su", "-m", "-s", "/bin/sh", "-c", asUser, "--", "www", "www", "ls"]);
  });

  test.each([
    [{ argv: [] }, "NO_COMMAND"],
    [{ argv: ["a\0b"] }, "USAGE"],
    [{ argv: ["ls"], workdir: "relative" }, "USAGE"],
    [{ argv: ["ls"], env: ["1x=y"] }, "USAGE"],
    [{ argv: ["ls"], user: "$(id)" }, "SPEC_UNSUPPORTED"],
    [{ argv: ["ls"], user: "1234" }, "SPEC_UNSUPPORTED"],
  ])("refuses %j", (request, code) => {
    expect(() => planExec(vm, request)).toThrow(expect.objectContaining({ code }) as Error);
  });
});
