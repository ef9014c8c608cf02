// The promises of the Vmadm interface. Whatever passes this suite may stand below the layers that use it.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { newZoneUuid, type ZoneUuid } from "../../agent/util/ids.ts";
import type { Vmadm } from "../../agent/vmadm/client.ts";
import { snapshotName, type VmEvent, type VmObject, type ZoneManifest } from "../../agent/vmadm/schema.ts";
import { eventually } from "../support/eventually.ts";
import { aContainer, exitsWith, SLEEPS, type Bench } from "./bench.ts";
import { expectCode } from "./expect-code.ts";

export function vmadmContract(name: string, open: () => Promise<Bench>): void {
  describe(`vmadm over ${name}`, () => {
    let bench: Bench;
    let vmadm: Vmadm;
    const made = new Set<ZoneUuid>();

    beforeAll(async () => {
      bench = await open();
      vmadm = bench.vmadm;
    }, 60_000);
    afterEach(async () => {
      for (const zone of made) await vmadm.delete(zone);
      made.clear();
    });
    afterAll(() => bench.close());

    async function create(cmd: readonly string[], more: Partial<ZoneManifest> = {}): Promise<ZoneUuid> {
      const manifest = aContainer(bench, cmd, more);
      made.add(manifest.uuid);
      await vmadm.create(manifest);
      return manifest.uuid;
    }

    async function shown(zone: ZoneUuid): Promise<VmObject> {
      const vm = await vmadm.get(zone);
      if (!vm) throw new Error(`zone ${zone} is gone`);
      return vm;
    }

    /** Exit records may appear a moment after the state (vmadm.md 16.17). */
    async function exitStatus(zone: ZoneUuid): Promise<number | undefined> {
      let vm = await shown(zone);
      await eventually(
        async () => {
          vm = await shown(zone);
          return vm.state === "stopped" && vm.exit_timestamp !== undefined;
        },
        { within: 10_000, what: "zone stopped with an exit record" },
      );
      return vm.exit_status;
    }

    const nic = (address: string): NonNullable<ZoneManifest["nics"]>[number] => ({
      nic_tag: bench.nicTag,
      ips: [`${address}/24`],
    });

    describe("happy path", () => {
      it("creates, starts, stops and deletes a container", async () => {
        const zone = await create(SLEEPS, { alias: "contract-a", tags: { app: "contract" } });
        const created = await shown(zone);
        expect(created).toMatchObject({
          uuid: zone,
          zonename: zone,
          brand: "lx",
          docker: true,
          state: "stopped",
          zone_state: "installed",
          autoboot: false,
          alias: "contract-a",
          tags: { app: "contract" },
          image_uuid: bench.image,
          quota: 1,
        });
        expect(created.zoneid ?? null).toBeNull();
        expect([created.exit_status, created.pid, created.boot_timestamp]).toEqual([undefined, undefined, undefined]);
        expect(Date.parse(created.create_timestamp ?? "")).toBeGreaterThan(Date.now() - 600_000);

        await vmadm.start(zone);
        const running = await shown(zone);
        expect(running).toMatchObject({ state: "running", zone_state: "running", autoboot: false });
        expect(running.pid).toBeGreaterThan(0);
        expect(running.zoneid).toBeGreaterThan(0);
        expect(running.boot_timestamp).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
        expect(running.internal_metadata["docker:restartcount"]).toBe(0);

        await vmadm.stop(zone, { timeoutS: 2 });
        // TERM's own end and the halt after it race: -15, -9 or 0 (vmadm.md 11).
        expect([-15, -9, 0]).toContain(await exitStatus(zone));

        await vmadm.delete(zone);
        expect(await vmadm.get(zone)).toBeUndefined();
      });

      it("keeps the exit status of a container that ends by itself", async () => {
        const zone = await create(exitsWith(3));
        await vmadm.start(zone);
        expect(await exitStatus(zone)).toBe(3);
      });

      it("kills by name, SIG or not", async () => {
        const zone = await create(SLEEPS);
        for (const signal of ["KILL", "SIGKILL"]) {
          await vmadm.start(zone);
          await vmadm.kill(zone, signal);
          expect(await exitStatus(zone)).toBe(-9);
        }
      });

      it("stops by force with status 0", async () => {
        const zone = await create(SLEEPS);
        await vmadm.start(zone);
        await vmadm.stop(zone, { force: true });
        expect(await shown(zone)).toMatchObject({ state: "stopped", autoboot: false });
        expect(await exitStatus(zone)).toBe(0);
      });

      it("reboots a container, also a stopped one", async () => {
        const zone = await create(SLEEPS);
        await vmadm.reboot(zone);
        const first = await shown(zone);
        await vmadm.reboot(zone);
        const second = await shown(zone);
        expect([first.state, second.state]).toEqual(["running", "running"]);
        expect(second.pid).not.toBe(first.pid);
      });

      it("a restart policy turns autoboot on at start, a stop turns it off", async () => {
        const manifest = aContainer(bench, SLEEPS);
        const zone = await create(SLEEPS, {
          internal_metadata: { ...manifest.internal_metadata, "docker:restartpolicy": "always" },
        });
        await vmadm.start(zone);
        expect(await shown(zone)).toMatchObject({ autoboot: true });
        await vmadm.stop(zone, { timeoutS: 1 });
        expect(await shown(zone)).toMatchObject({ autoboot: false, state: "stopped" });
      });

      it("looks zones up by all filters together", async () => {
        const one = await create(SLEEPS, { alias: "contract-1", tags: { app: "contract", tier: "1" } });
        const two = await create(SLEEPS, { alias: "contract-2", tags: { app: "contract", tier: "2" } });
        const both = await vmadm.lookup({ "tags.app": "contract" });
        expect(both.map((vm) => vm.uuid).sort()).toEqual([one, two].sort());
        expect((await vmadm.lookup({ "tags.app": "contract", alias: "contract-2" })).map((vm) => vm.uuid)).toEqual([
          two,
        ]);
        expect(await vmadm.lookup({ alias: "contract-3" })).toEqual([]);
      });

      it("updates values, tags and metadata", async () => {
        const zone = await create(SLEEPS, { tags: { a: "1", b: "2" } });
        await vmadm.update(zone, {
          alias: "renamed",
          cpu_cap: 150,
          set_tags: { c: 3 },
          remove_tags: ["a"],
          set_internal_metadata: { "agent:x": "y" },
        });
        const vm = await shown(zone);
        expect(vm).toMatchObject({ alias: "renamed", cpu_cap: 150, tags: { b: "2", c: 3 } });
        expect(vm.tags).not.toHaveProperty("a");
        expect(vm.internal_metadata["agent:x"]).toBe("y");
      });

      it("gives nics their names and addresses", async () => {
        const zone = await create(SLEEPS, { nics: [nic("192.0.2.10"), nic("192.0.2.11")] });
        const nics = (await shown(zone)).nics ?? [];
        expect(nics.map((one) => one.interface)).toEqual(["eth0", "eth1"]);
        expect(nics.map((one) => one.ip)).toEqual(["192.0.2.10", "192.0.2.11"]);
        expect(nics.map((one) => one.primary)).toEqual([true, undefined]);
        expect(nics.every((one) => /^([0-9a-f]{1,2}:){5}[0-9a-f]{1,2}$/.test(one.mac ?? ""))).toBe(true);
      });

      it("takes snapshots and rolls back", async () => {
        const [one, two] = [snapshotName.parse("one"), snapshotName.parse("two")];
        const zone = await create(SLEEPS);
        const names = async () =>
          JSON.stringify((await shown(zone))["snapshots"])
            .match(/one|two/g)
            ?.sort() ?? [];
        await vmadm.createSnapshot(zone, one);
        await vmadm.createSnapshot(zone, two);
        expect(await names()).toEqual(["one", "two"]);
        await expectCode(vmadm.createSnapshot(zone, one), "SNAPSHOT_EXISTS");
        await vmadm.rollbackSnapshot(zone, one);
        expect(await names()).toEqual(["one"]);
        expect(await shown(zone)).toMatchObject({ state: "running" });
        await vmadm.deleteSnapshot(zone, one);
        await expectCode(vmadm.deleteSnapshot(zone, one), "SNAPSHOT_NOT_FOUND");
        await expectCode(vmadm.rollbackSnapshot(zone, one), "SNAPSHOT_NOT_FOUND");
      });

      it("reprovisions and leaves the zone running", async () => {
        const zone = await create(SLEEPS);
        await vmadm.reprovision(zone, bench.image);
        expect(await shown(zone)).toMatchObject({ state: "running", image_uuid: bench.image });
        await expectCode(vmadm.reprovision(zone, newZoneUuid()), "IMAGE_NOT_INSTALLED");
      });

      it("validates without creating", async () => {
        const manifest = aContainer(bench, SLEEPS);
        expect(await vmadm.validateCreate(manifest)).toBeUndefined();
        expect(await vmadm.validateCreate({ ...manifest, image_uuid: newZoneUuid() })).toMatchObject({
          badValues: ["image_uuid"],
        });
        expect(await vmadm.validateUpdate("lx", { cpu_cap: 10 })).toBeUndefined();
        expect(await vmadm.validateUpdate("zzz", {})).toMatchObject({ badBrand: "zzz" });
        expect(await vmadm.get(manifest.uuid)).toBeUndefined();
      });
    });

    describe("idempotence", () => {
      it("starts what runs, stops what is stopped, deletes what is gone", async () => {
        const zone = await create(SLEEPS);
        await vmadm.stop(zone);
        await vmadm.stop(zone, { force: true });
        await vmadm.start(zone);
        const { pid } = await shown(zone);
        await vmadm.start(zone);
        expect((await shown(zone)).pid).toBe(pid);
        await vmadm.delete(zone);
        await vmadm.delete(zone);
      });
    });

    describe("error codes", () => {
      it("knows no such zone in every command", async () => {
        const zone = newZoneUuid();
        expect(await vmadm.get(zone)).toBeUndefined();
        await expectCode(vmadm.start(zone), "ZONE_NOT_FOUND");
        await expectCode(vmadm.stop(zone), "ZONE_NOT_FOUND");
        await expectCode(vmadm.stop(zone, { force: true }), "ZONE_NOT_FOUND");
        await expectCode(vmadm.reboot(zone), "ZONE_NOT_FOUND");
        await expectCode(vmadm.kill(zone, "TERM"), "ZONE_NOT_FOUND");
        await expectCode(vmadm.update(zone, { cpu_cap: 10 }), "ZONE_NOT_FOUND");
        await expectCode(vmadm.createSnapshot(zone, snapshotName.parse("a")), "ZONE_NOT_FOUND");
        await expectCode(vmadm.reprovision(zone, bench.image), "ZONE_NOT_FOUND");
        await expectCode(vmadm.info(zone), "ZONE_NOT_FOUND");
      });

      it("refuses a taken uuid, an absent image, an absent nic tag and a taken address", async () => {
        const zone = await create(SLEEPS, { nics: [nic("192.0.2.20")] });
        await expectCode(vmadm.create(aContainer(bench, SLEEPS, { uuid: zone })), "ZONE_EXISTS");

        const noImage = await expectCode(
          vmadm.create(aContainer(bench, SLEEPS, { image_uuid: newZoneUuid() })),
          "PAYLOAD_INVALID",
        );
        expect(noImage.details["badValues"]).toEqual(["image_uuid"]);

        const noTag = aContainer(bench, SLEEPS, { nics: [{ nic_tag: "nowhere", ips: ["192.0.2.21/24"] }] });
        made.add(noTag.uuid);
        const noTagError = await expectCode(vmadm.create(noTag), "NIC_TAG_MISSING");
        expect(noTagError.details["nicTags"]).toEqual(["nowhere"]);

        const conflict = aContainer(bench, SLEEPS, { nics: [nic("192.0.2.20")] });
        made.add(conflict.uuid);
        await expectCode(vmadm.create(conflict), "ADDRESS_CONFLICT");
      });

      it("refuses signals that mean nothing or reach nobody", async () => {
        const zone = await create(SLEEPS);
        await expectCode(vmadm.kill(zone, "TERM"), "ZONE_NOT_RUNNING");
        await expectCode(vmadm.kill(zone, "9"), "SIGNAL_UNKNOWN");
        await vmadm.start(zone);
        await expectCode(vmadm.kill(zone, "FOO"), "SIGNAL_UNKNOWN");
        expect(await shown(zone)).toMatchObject({ state: "running" });
      });

      it("refuses a forced reboot of a stopped zone and info of an lx one", async () => {
        const zone = await create(SLEEPS);
        await expectCode(vmadm.reboot(zone, { force: true }), "ZONE_NOT_RUNNING");
        await expectCode(vmadm.info(zone), "ZONE_NOT_RUNNING");
        await vmadm.start(zone);
        await expectCode(vmadm.info(zone), "ZONE_UNSUPPORTED");
      });

      it("does nothing when the signal has aborted", async () => {
        const manifest = aContainer(bench, SLEEPS);
        await expectCode(vmadm.create(manifest, { signal: AbortSignal.abort() }), "CANCELLED");
        expect(await vmadm.get(manifest.uuid)).toBeUndefined();
      });
    });

    describe("events", () => {
      /** Reads the stream into a list until the test is over. */
      function record(zone?: ZoneUuid): { events: VmEvent[]; end: () => Promise<void> } {
        const abort = new AbortController();
        const events: VmEvent[] = [];
        const reading = (async () => {
          for await (const event of vmadm.events({ signal: abort.signal, ...(zone === undefined ? {} : { zone }) }))
            events.push(event);
        })();
        return {
          events,
          async end() {
            abort.abort();
            await reading;
          },
        };
      }

      it("tells all zones first, then what happens to them", async () => {
        const before = await create(SLEEPS);
        const { events, end } = record();
        await eventually(() => events.length > 0, { within: 10_000, what: "ready" });
        expect(events[0]?.type === "ready" && Object.keys(events[0].vms)).toContain(before);

        const zone = await create(SLEEPS);
        await vmadm.start(zone);
        await vmadm.stop(zone, { force: true });
        await vmadm.delete(zone);
        const ofZone = (): VmEvent[] => events.filter((event) => event.type !== "ready" && event.zonename === zone);
        await eventually(() => ofZone().at(-1)?.type === "delete", { within: 10_000, what: "delete event" });
        expect(ofZone()[0]?.type).toBe("create");
        const states = ofZone().flatMap((event) => (event.type === "modify" ? event.vm.state : []));
        expect(states).toContain("running");
        expect(states.lastIndexOf("stopped")).toBeGreaterThan(states.indexOf("running"));
        const change = ofZone()
          .flatMap((event) => (event.type === "modify" ? event.changes : []))
          .find((one) => one.prettyPath === "state" && one.newValue === "running");
        expect(change).toMatchObject({ path: ["state"], action: "changed" });
        await end();
      });

      it("tells of one zone only when asked to", async () => {
        const [zone, other] = [await create(SLEEPS), await create(SLEEPS)];
        const { events, end } = record(zone);
        await eventually(() => events.length > 0, { within: 10_000, what: "ready" });
        expect(events[0]?.type === "ready" && Object.keys(events[0].vms)).toEqual(
          expect.arrayContaining([zone, other]),
        );
        await vmadm.update(other, { alias: "other" });
        await vmadm.update(zone, { alias: "mine" });
        await eventually(() => events.length > 1, { within: 10_000, what: "modify event" });
        expect(events.slice(1).every((event) => event.uuid === zone)).toBe(true);
        await end();
      });

      it("ends when it is left", async () => {
        for await (const event of vmadm.events()) {
          expect(event.type).toBe("ready");
          break;
        }
      });
    });

    describe("concurrency", () => {
      it("creates a uuid once", async () => {
        const manifest = aContainer(bench, SLEEPS);
        made.add(manifest.uuid);
        const results = await Promise.allSettled([vmadm.create(manifest), vmadm.create(manifest)]);
        expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected"]);
        expect(results[1]).toMatchObject({ reason: { code: "ZONE_EXISTS" } });
        expect(await shown(manifest.uuid)).toMatchObject({ state: "stopped" });
      });

      it("runs changes of one zone in the order they were asked for", async () => {
        const zone = await create(SLEEPS);
        await Promise.all([
          vmadm.start(zone),
          vmadm.stop(zone, { force: true }),
          vmadm.start(zone),
          vmadm.delete(zone),
        ]);
        expect(await vmadm.get(zone)).toBeUndefined();
      });

      it("tends several zones at once", async () => {
        const zones = await Promise.all([1, 2, 3].map(() => create(SLEEPS)));
        await Promise.all(zones.map((zone) => vmadm.start(zone)));
        expect(await Promise.all(zones.map(async (zone) => (await shown(zone)).state))).toEqual(
          zones.map(() => "running"),
        );
        expect(new Set(await Promise.all(zones.map(async (zone) => (await shown(zone)).zoneid))).size).toBe(3);
      });
    });
  });
}
