// `vmadm events` of the lab, beside zones that live.
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { VmadmLab, type Json } from "../support/vmadm-lab.ts";

const lab = new VmadmLab();
beforeAll(() => lab.init());
const followers: ChildProcessByStdio<null, Readable, Readable>[] = [];
afterEach(async () => {
  for (const child of followers.splice(0)) child.kill("SIGTERM");
  await lab.deleteZones();
});
afterAll(async () => {
  expect(lab.mounts()).toEqual([]);
  await lab.destroy();
});

describe("events", () => {
  interface Event {
    readonly type: string;
    readonly uuid: string;
    readonly vm?: Json;
    readonly vms?: Json;
    readonly changes?: readonly { readonly prettyPath: string; readonly newValue?: unknown }[];
    readonly at: number;
  }

  function follow(...args: readonly string[]): {
    events: Event[];
    child: ChildProcessByStdio<null, Readable, Readable>;
  } {
    const child = spawn(join(lab.root, "bin/vmadm"), ["events", ...args], {
      env: lab.environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    followers.push(child);
    const events: Event[] = [];
    createInterface({ input: child.stdout }).on("line", (line) =>
      events.push({ ...(JSON.parse(line) as Omit<Event, "at">), at: Date.now() }),
    );
    return { events, child };
  }

  test("tell a zone's life from create to delete", async () => {
    const { events } = follow("-jr");
    await eventually(() => events.length > 0, { what: "the ready event" });
    expect(events[0]).toMatchObject({ type: "ready", vms: {} });
    const uuid = await lab.create("exit 3");
    await lab.vmadm(["start", uuid]);
    const vm = await lab.stopped(uuid);
    const last = (): Event | undefined => events.filter((event) => event.uuid === uuid).at(-1);
    await eventually(() => last()?.vm?.["exit_status"] === 3 && last()?.vm?.["state"] === "stopped", {
      what: "the event of the exit",
    });
    const exited = events.find((event) => event.vm?.["exit_status"] === 3)!;
    expect(exited.at - Date.parse(vm["exit_timestamp"] as string)).toBeLessThan(1000);
    await lab.vmadm(["delete", uuid]);
    await eventually(() => last()?.type === "delete", { what: "the delete event" });
    expect(events.find((event) => event.uuid === uuid)!.type).toBe("create");
    const paths = events.flatMap((event) => event.changes?.map((change) => change.prettyPath) ?? []);
    expect(paths).toContain("internal_metadata.docker:restartcount");
  });

  test("of one zone say nothing of others", async () => {
    const uuid = await lab.create("true");
    const { events } = follow("-j", uuid);
    const other = await lab.create("true");
    await eventually(
      async () => {
        await lab.vmadm(["update", other, `alias=o${events.length}`]);
        await lab.vmadm(["update", uuid, `alias=${Date.now()}`]);
        return events.length > 0;
      },
      { within: 10_000, what: "an event of the zone" },
    );
    expect(new Set(events.map((event) => event.uuid))).toEqual(new Set([uuid]));
  });

  test("end with status 0 when nobody reads any more", async () => {
    const { child } = follow("-j");
    child.stdout.destroy();
    const ended = new Promise((resolve) => child.once("exit", (code, signal) => resolve({ code, signal })));
    const uuid = await lab.create("true");
    await lab.vmadm(["update", uuid, "alias=x"]);
    expect(await ended).toEqual({ code: 0, signal: null });
  });
});
