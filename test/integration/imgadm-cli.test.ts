// The typed imgadm client against scripts that behave as the reference says imgadm does, one trap at a time.
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { inlineChain } from "../../agent/errors/chain.ts";
import { createImgadmCli } from "../../agent/imgadm/cli.ts";
import { imageManifestSchema, imageUuid } from "../../agent/imgadm/schema.ts";
import { newZoneUuid } from "../../agent/util/ids.ts";
import { expectCode } from "../contract/expect-code.ts";
import { eventually } from "../support/eventually.ts";
import { scriptedHost, type ScriptedHost } from "../support/scripted-host.ts";

const U = imageUuid.parse(newZoneUuid());
const log = pino({ level: "silent" });
let lab: ScriptedHost;

beforeEach(async () => {
  lab = await scriptedHost();
});
afterEach(() => lab[Symbol.asyncDispose]());

const imgadm = () => createImgadmCli(lab.host, log, { pool: "zones" });
const manifest = imageManifestSchema.parse({
  v: 2,
  uuid: U,
  name: "docker-layer",
  version: "x",
  type: "docker",
  os: "linux",
  tags: { "docker:id": "sha256:x" },
});

/** A shell line that fails the way imgadm -E does. */
function fails(code: string, message: string, exit: number): string {
  const err = { message, name: "WError", stack: message, code };
  const record = { name: "imgadm", level: 50, err, msg: message, v: 0 };
  return `echo '${JSON.stringify(record)}' >&2; exit ${exit}`;
}

describe("reading", () => {
  it("asks with -E and the pool, without a proxy", async () => {
    await lab.script(
      "imgadm",
      `echo "$@ [$http_proxy$https_proxy]" >> "$LOG"; echo '{"manifest":{"uuid":"${U}"},"zpool":"zones"}'`,
    );
    expect(await imgadm().get(U, { children: true })).toMatchObject({ manifest: { uuid: U } });
    expect(await lab.log()).toEqual([`-E get -P zones -r ${U} []`]);
  });

  it("takes exit 3 for absent", async () => {
    await lab.script("imgadm", fails("ImageNotInstalled", `image "${U}" was not found on zpool "zones"`, 3));
    expect(await imgadm().get(U)).toBeUndefined();
    await imgadm().delete(U);
    await expectCode(imgadm().ancestry(U), "IMAGE_NOT_INSTALLED");
  });

  it("lists the pool's images, without filters, skipping what is none", async () => {
    const list = [
      { manifest: { uuid: U }, zpool: "zones" },
      { manifest: { uuid: U }, zpool: "other" },
      { manifest: 7 },
    ];
    await writeFile(join(lab.root, "list"), JSON.stringify(list));
    await lab.script("imgadm", 'echo "$@" >> "$LOG"; cat "$ROOT/list"');
    expect(await imgadm().list()).toHaveLength(1);
    expect(await lab.log()).toEqual(["-E list -j"]);
  });

  it("refuses output that is no JSON", async () => {
    await lab.script("imgadm", "echo NAME VERSION");
    await expectCode(imgadm().list(), "HOST_OUTPUT_INVALID");
    await expectCode(imgadm().get(U), "HOST_OUTPUT_INVALID");
    await expectCode(imgadm().sources(), "HOST_OUTPUT_INVALID");
  });

  it("names the damaged file after a crash over JSON", async () => {
    const crash = 'echo "Uncaught SyntaxError: Unexpected end of input" >&2; echo FROM >&2; kill -ABRT $$';
    await lab.script("imgadm", crash);
    await expectCode(imgadm().list(), "HOST_COMMAND_FAILED");
    const database = join(lab.root, "var/imgadm/images");
    await mkdir(database, { recursive: true });
    await writeFile(join(database, "zones-a.json"), "{}");
    await writeFile(join(database, `zones-${U}.json`), '{"manifest":');
    const error = await expectCode(imgadm().list(), "IMAGE_DATABASE_CORRUPT");
    expect(error.details["files"]).toEqual([join(database, `zones-${U}.json`)]);
    expect(error.hint).toContain(`remove ${join(database, `zones-${U}.json`)},`);
  });
});

describe("install", () => {
  const scratch = async (): Promise<string[]> => readdir(join(lab.root, "var/tmp/zonelet"));

  it("hands over the manifest in a private file and removes it", async () => {
    const layer = join(lab.root, "layer.tar");
    await lab.script(
      "imgadm",
      `echo "$@" >> "$LOG"; stat -c %a "$6" "$(dirname "$6")" >> "$LOG"; cat "$6" > "$ROOT/seen"
       echo "Installing image ${U} (docker-layer@x)"; echo "Installed image ${U} (docker-layer@x)"`,
    );
    expect(await imgadm().install(manifest, layer)).toBe("installed");
    const [argv, ...modes] = await lab.log();
    expect(argv).toMatch(new RegExp(`^-E install -P zones -m /\\S+/${U}\\.json -f ${layer}$`));
    expect(modes).toEqual(["600", "700"]);
    expect(JSON.parse(await readFile(join(lab.root, "seen"), "utf8"))).toEqual(manifest);
    await eventually(async () => (await scratch()).length === 0, { what: "manifest removed" });
  });

  it.each([
    [`echo "Image ${U} (docker-layer x) is already installed, skipping"`, "present"],
    [`echo "Image ${U} (docker-layer@x) was installed while waiting on lock"`, "present"],
  ])("%s: %s", async (script, ending) => {
    await lab.script("imgadm", script);
    expect(await imgadm().install(manifest, "/a.tar")).toBe(ending);
  });

  it("does not believe an exit 0 without words", async () => {
    await lab.script("imgadm", `echo "Installing image ${U} (docker-layer@x)"`);
    await expectCode(imgadm().install(manifest, "/a.tar"), "HOST_OUTPUT_INVALID");
  });

  it.each(["a.tar", "/a b.tar", "/a;b", "/a$(b)", "/a/../b", "/var/root", "/chroot-bin-1", "/a'b", "/a\n"])(
    "never gives imgadm the path %j",
    async (file) => {
      await lab.script("imgadm", 'echo "$@" >> "$LOG"');
      await expectCode(imgadm().install(manifest, file), "IMAGE_FILE_INVALID");
      expect(await lab.log()).toEqual([]);
      await eventually(async () => (await scratch()).length === 0, { what: "manifest removed" });
    },
  );

  it("given up, goes on and keeps its manifest until it ends", async () => {
    await lab.script(
      "imgadm",
      `echo begin >> "$LOG"; while [ -d "$ROOT" ] && [ ! -e "$ROOT/go" ]; do sleep 0.02; done; cat "$6" > "$ROOT/seen"; echo end >> "$LOG"`,
    );
    const abort = new AbortController();
    const installing = expectCode(imgadm().install(manifest, "/a.tar", { signal: abort.signal }), "CANCELLED");
    await eventually(async () => (await lab.log()).length === 1, { what: "install runs" });
    abort.abort();
    await installing;
    expect(await scratch()).toHaveLength(1);
    await writeFile(join(lab.root, "go"), "");
    await eventually(async () => (await lab.log()).length === 2, { what: "install ended" });
    expect(JSON.parse(await readFile(join(lab.root, "seen"), "utf8"))).toEqual(manifest);
    await eventually(async () => (await scratch()).length === 0, { what: "manifest removed" });
  });

  it("bounds what it keeps of imgadm's words", async () => {
    const big = "x".repeat(100_000);
    await lab.script("imgadm", fails("ManifestValidation", `invalid manifest: ${big}`, 1));
    const error = await expectCode(imgadm().install(manifest, "/a.tar"), "IMAGE_MANIFEST_INVALID");
    expect(JSON.stringify(error.details).length).toBeLessThan(3_000);
    expect(inlineChain(error).length).toBeLessThan(5_000);
  });
});
