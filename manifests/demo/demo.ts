// `npm run demo`: the whole product on one machine in a few seconds. Every line after `$` is a command you can type.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildDemoImage } from "./build-image.ts";

const here = import.meta.dirname;
const dist = join(here, "../../dist");
const programs = { zonelet: join(dist, "zonelet.mjs"), "zonelet-lab": join(dist, "zonelet-lab.mjs") };
const work = mkdtempSync(join(tmpdir(), "zonelet-demo-"));
const lab = join(work, "lab");
const environment = { ...process.env, LABHOST_ROOT: lab, PATH: `${join(lab, "bin")}:${process.env["PATH"] ?? ""}` };

function say(text: string): void {
  process.stdout.write(`\n# ${text}\n`);
}

/** Runs a command as a user would, shows it and what it prints; any other exit status than expected ends the demo. */
function type(
  command: keyof typeof programs | "vmadm" | "imgadm",
  args: readonly string[],
  expected = 0,
  shown = args,
): string {
  process.stdout.write(`$ ${command} ${shown.join(" ")}\n`);
  const [file, prefix] =
    command === "zonelet" || command === "zonelet-lab"
      ? [process.execPath, ["--disable-warning=ExperimentalWarning", programs[command]]]
      : [join(lab, "bin", command), []];
  const result = spawnSync(file, [...prefix, ...args], {
    env: environment,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  process.stdout.write(result.stdout);
  process.stderr.write(result.stderr);
  if (result.status !== 0) process.stdout.write(`(exit status ${String(result.status)})\n`);
  if (result.status !== expected)
    throw new Error(`"${command} ${args.join(" ")}" exited ${String(result.status)}, expected ${expected}`);
  return result.stdout;
}

let failed = false;
try {
  say("a lab host: vmadm, imgadm, zlogin, … over a private root, because this machine is not SmartOS");
  type("zonelet-lab", ["init"]);

  say("an image from this machine's own programs, as `docker save` or `skopeo` would write it");
  const archive = join(work, "demo-image.tar");
  const inside = await buildDemoImage(archive, "zonelet-demo:1");
  process.stdout.write(`(holds ${inside.join(", ")})\n`);
  type("zonelet", ["load", "-i", archive]);
  type("zonelet", ["images"]);

  say(
    "a container from a spec: first what would be sent to vmadm, then the container, its output and its exit status 3",
  );
  const spec = join(here, "hello.yaml");
  type("zonelet", ["run", "-f", spec, "--dry-run"], 0, ["run", "-f", "manifests/demo/hello.yaml", "--dry-run"]);
  type("zonelet", ["run", "-f", spec], 3, ["run", "-f", "manifests/demo/hello.yaml"]);

  say("a container from a vmadm manifest of 2016, placeholders filled in; lint tells what is needless or risky in it");
  const uuid = imageUuid(type("zonelet", ["images", "-o", "json"], 0));
  const viewer = join(work, "viewer.json");
  writeFileSync(viewer, readFileSync(join(here, "viewer.json"), "utf8").replace("@IMAGE_UUID@", uuid));
  type("zonelet", ["run", "-d", "-f", viewer], 0, ["run", "-d", "-f", "viewer.json"]);

  say("what runs, told by zonelet and by the platform");
  type("zonelet", ["ps", "-a"]);
  type("vmadm", ["list", "-o", "uuid,type,ram,state,alias"]);
  type("zonelet", ["logs", "hello"]);

  say("stop, look, clean up");
  type("zonelet", ["stop", "dockerviewer1"]);
  type("zonelet", ["logs", "dockerviewer1"]);
  type("zonelet", ["rm", "hello", "dockerviewer1"]);
  type("zonelet", ["rmi", "zonelet-demo:1"]);
} catch (error) {
  failed = true;
  process.stderr.write(`demo failed: ${error instanceof Error ? error.message : String(error)}\n`);
} finally {
  type("zonelet-lab", ["destroy", "--yes"]);
  rmSync(work, { recursive: true, force: true });
}
process.stdout.write(failed ? "" : "\nThe demo is over; nothing of it is left on this machine.\n");
process.exitCode = failed ? 1 : 0;

function imageUuid(json: string): string {
  const match = /"imageUuid": "([0-9a-f-]{36})"/.exec(json);
  if (!match?.[1]) throw new Error("no image listed");
  return match[1];
}
