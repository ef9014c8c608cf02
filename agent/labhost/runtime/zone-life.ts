// One life of a zone, from boot to the `close` record of its log. The supervisor (zoneadmd.ts) lives it.
//
//   ready -> running -> (init ends | halt) -> lastexited -> shutting_down -> down -> installed -> drained, closed
import { asObject } from "../plain-object.ts";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { openBootLog, type BootLog } from "../dockerinit/boot-log.ts";
import { dockerinit, type ProcessPlan } from "../dockerinit/dockerinit.ts";
import { DockerinitFatal } from "../dockerinit/fatal.ts";
import { zoneMetadata } from "../dockerinit/metadata.ts";
import { waitForAttach } from "../dockerinit/wait-for-attach.ts";
import type { Lab } from "../lab.ts";
import type { LabVm } from "../lab-vm.ts";
import { AttachServer } from "./attach-server.ts";
import { openZoneLog, touchLastBooted, writeLastExited } from "./boot-records.ts";
import { createZoneCgroup, removeZoneCgroup, zoneCaps } from "./cgroups.ts";
import { deviceTemplate } from "./devices.ts";
import { ZoneFiles } from "./in-root.ts";
import { nativeTools } from "./native-tools.ts";
import { runIpBatch } from "./ip-command.ts";
import { enterNetwork, ensureKeeper } from "./keeper.ts";
import { innerBatch, outerBatch, zoneNics } from "./network.ts";
import { identify, signalProcess, type ProcessIdentity } from "./process-identity.ts";
import type { StdioLog } from "./stdio-log.ts";
import { ZoneStdio } from "./zone-stdio.ts";
import { HALTED, statusOfExit, statusOfFatal, statusOfSignal } from "./wait-status.ts";
import { ensureSystemDirectories, otherMounts, planMounts, type LofsMount } from "./zone-mounts.ts";
import { spawnZoneProcess, writeBootFiles, type ZoneProcess } from "./zone-process.ts";
import { removeState, scratchDirectory, signalFile, writeState, type ZoneState } from "./zone-state.ts";
import { startGuard } from "./guard.ts";

export interface ZoneLifeOptions {
  readonly lab: Lab;
  readonly vm: LabVm;
  readonly zoneid: number;
  readonly platformLog: StdioLog | undefined;
  /** Called once, when the zone's state has become running. */
  readonly onRunning: () => void;
}

export class ZoneLife {
  readonly #lab: Lab;
  readonly #vm: LabVm;
  readonly #zonepath: string;
  readonly #root: string;
  readonly #scratch: string;
  readonly #platformLog: StdioLog | undefined;
  readonly #onRunning: () => void;
  readonly #stopping = new AbortController();
  #state: ZoneState;
  #log: StdioLog | undefined;
  #process: ZoneProcess | undefined;
  #stdio: ZoneStdio | undefined;
  #attach: AttachServer | undefined;
  /** What a client did before the container had its streams. */
  readonly #earlyInput: ((stdio: ZoneStdio) => unknown)[] = [];
  #end: Promise<number> | undefined;
  #halted = false;

  constructor({ lab, vm, zoneid, platformLog, onRunning }: ZoneLifeOptions) {
    this.#lab = lab;
    this.#vm = vm;
    this.#zonepath = lab.path(vm.zonepath);
    this.#root = join(this.#zonepath, "root");
    this.#scratch = scratchDirectory(lab, vm.uuid);
    this.#platformLog = platformLog;
    this.#onRunning = onRunning;
    const supervisor = identify(process.pid);
    if (!supervisor) throw new Error("/proc does not know this process: the lab host needs /proc");
    this.#state = { supervisor, zoneState: "ready", zoneid };
  }

  /**
   * Resolves when the zone runs, or has run and ended. Rejects with the text zoneadm would print; nothing is left behind
   * then. To be followed by `finish`.
   */
  async boot(): Promise<void> {
    try {
      await this.#boot();
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error));
      await this.#cleanUp();
      this.#log?.close();
      removeState(this.#lab, this.#vm.uuid);
      throw error;
    }
  }

  /** Ends the zone: everything in it is killed, lastexited says -1. */
  halt(): void {
    // A signal for dockerinit arrives as a halt of ours, but counts as that signal (runtime.ts, `signalInit`).
    this.#halted = this.#process !== undefined || this.#intendedSignal() === undefined;
    this.#stopping.abort();
    if (this.#process) signalProcess(this.#process.init, "SIGKILL");
  }

  rotateLog(): void {
    this.#log?.rotate();
  }

  reopenLog(): void {
    this.#log?.reopen();
  }

  /** Waits for the zone's end and buries it. Resolves when the log is closed and nothing is left. */
  async finish(): Promise<void> {
    const status = await (this.#end ?? Promise.resolve(HALTED));
    await this.#hit("zoneadm.halt.begin");
    writeLastExited(this.#zonepath, this.#halted ? HALTED : status);
    this.#setState({ zoneState: "shutting_down" });
    this.#setState({ zoneState: "down" });
    this.#setState({ zoneState: "installed" });
    await this.#stdio?.drain();
    this.#attach?.close();
    this.#log?.close();
    await this.#cleanUp();
    await this.#hit("zoneadm.halt.end");
    removeState(this.#lab, this.#vm.uuid);
  }

  async #boot(): Promise<void> {
    await this.#lab.failpoints.hit("zoneadm.boot.begin");
    this.#setState({ zoneState: "ready" });
    mkdirSync(this.#scratch, { recursive: true, mode: 0o711 });
    await this.#lab.failpoints.hit("zoneadm.boot.mounts");
    ensureSystemDirectories(this.#root);
    const mounts = planMounts(this.#lab, this.#vm, this.#root);
    this.#log = openZoneLog(this.#lab, this.#vm, "stdio.log");
    this.#attach = await this.#openAttach();
    touchLastBooted(this.#zonepath);
    const plan = await this.#runDockerinit(mounts);
    if (typeof plan === "number") {
      this.#end = Promise.resolve(plan);
      return;
    }
    await this.#lab.failpoints.hit("zoneadm.boot.network");
    await this.#start(plan, mounts);
  }

  /** A number is the wait status of a dockerinit that gave up. */
  async #runDockerinit(mounts: readonly LofsMount[]): Promise<ProcessPlan | number> {
    const files = new ZoneFiles(this.#root, mounts);
    let bootLog: BootLog | undefined;
    try {
      bootLog = openBootLog(files);
      const line = bootLog.line;
      return await dockerinit({
        metadata: zoneMetadata(this.#vm),
        files,
        log: line,
        waitForAttach: async (value) => {
          // The zone runs, dockerinit is its init until the wait is over.
          this.#running(this.#state.supervisor);
          await waitForAttach(this.#lab, this.#vm.uuid, value, { log: line, signal: this.#stopping.signal });
        },
      });
    } catch (error) {
      if (this.#stopping.signal.aborted) return statusOfSignal(this.#intendedSignal() ?? "SIGKILL");
      if (!(error instanceof DockerinitFatal)) throw error;
      return statusOfFatal(error.code);
    } finally {
      bootLog?.close();
    }
  }

  async #start(plan: ProcessPlan, mounts: readonly LofsMount[]): Promise<void> {
    const lab = this.#lab;
    const [keeper, stdio] = await Promise.all([ensureKeeper(lab), this.#openStdio(plan)]);
    const cgroup = createZoneCgroup(lab, this.#vm.uuid, zoneCaps(this.#vm));
    for (const sentence of cgroup.notGranted) this.#tell(`cap not applied: ${sentence}`);
    if (lab.config.privilege === "user") this.#tellMissingPrivilege(plan);
    writeBootFiles({
      scratch: this.#scratch,
      root: this.#root,
      privilege: lab.config.privilege,
      native: nativeTools(lab),
      lofs: mounts.map(({ source, targetOnHost, readOnly }) => ({ source, target: targetOnHost, readOnly })),
      terminal: stdio.terminalDevice,
      cgroupProcs: cgroup.procs,
      otherMounts: otherMounts(lab, this.#zonepath),
    });
    const zone = await spawnZoneProcess({
      lab,
      keeper,
      plan,
      zoneName: this.#vm.uuid,
      scratch: this.#scratch,
      root: this.#root,
      devices: deviceTemplate(lab),
      stdio: stdio.appEnds,
    });
    this.#process = zone;
    stdio.closeAppEnds();
    startGuard(zone.init);
    this.#end = zone.ended.then(({ code, signal }) => this.#statusOf(code, signal));
    const nics = zoneNics(this.#vm);
    if (nics.length > 0)
      for (const complaint of await runIpBatch(
        enterNetwork(lab, keeper),
        outerBatch(nics, this.#state.zoneid, zone.init.pid),
      ))
        this.#tell(`network: ${complaint}`);
    await lab.failpoints.hit("zoneadm.boot.exec");
    await zone.go(innerBatch(nics, asObject(this.#vm["routes"])));
    this.#running(zone.init);
    if (plan.killedByLogger) signalProcess(zone.init, "SIGKILL");
  }

  #openAttach(): Promise<AttachServer> {
    const later = (input: (stdio: ZoneStdio) => unknown): unknown =>
      this.#stdio ? input(this.#stdio) : this.#earlyInput.push(input);
    return AttachServer.listen(this.#lab, this.#vm.uuid, {
      write: (chunk) => void later((stdio) => stdio.write(chunk)),
      hangUp: () => void later((stdio) => stdio.hangUp()),
      resize: async (rows, columns) => {
        await later((stdio) => stdio.resize(rows, columns));
      },
    });
  }

  async #openStdio({ tty, openStdin }: ProcessPlan): Promise<ZoneStdio> {
    const stdio = await ZoneStdio.open({
      scratch: this.#scratch,
      log: this.#log,
      tty,
      openStdin,
      onOutput: (stream, chunk) => this.#attach?.output(stream, chunk),
    });
    this.#stdio = stdio;
    for (const input of this.#earlyInput.splice(0)) input(stdio);
    return stdio;
  }

  #statusOf(code: number | null, signal: NodeJS.Signals | null): number {
    if (signal === null) return statusOfExit(code ?? 0);
    return statusOfSignal(signal === "SIGKILL" ? (this.#intendedSignal() ?? signal) : signal);
  }

  /** The signal a SIGKILL stood for (runtime.ts, `signalInit`). */
  #intendedSignal(): string | undefined {
    try {
      return readFileSync(signalFile(this.#lab, this.#vm.uuid), "utf8");
    } catch {
      return undefined;
    }
  }

  async #cleanUp(): Promise<void> {
    if (this.#process) {
      signalProcess(this.#process.init, "SIGKILL");
      await this.#end;
    }
    this.#stdio?.destroy();
    this.#attach?.close();
    await removeZoneCgroup(this.#lab, this.#vm.uuid);
    rmSync(this.#scratch, { recursive: true, force: true });
  }

  #running(init: ProcessIdentity): void {
    const now = Math.floor(Date.now() / 1000) * 1000;
    this.#setState({
      zoneState: "running",
      init,
      entered: this.#process !== undefined,
      bootTimestamp: this.#state.bootTimestamp ?? new Date(now).toISOString(),
    });
    this.#onRunning();
  }

  #setState(change: Partial<ZoneState>): void {
    this.#state = { ...this.#state, ...change };
    writeState(this.#lab, this.#vm.uuid, this.#state);
  }

  #tellMissingPrivilege(plan: ProcessPlan): void {
    const uid = plan.identity.passwd?.uid ?? 0;
    if (plan.tty) this.#tell("the terminal does not control the container: the lab host is not root");
    if (uid !== 0) this.#tell(`running as uid 0 of the user namespace instead of uid ${uid}: the lab host is not root`);
  }

  #tell(text: string): void {
    this.#platformLog?.write("zoneadmd", Buffer.from(`${text}\n`));
  }

  async #hit(point: string): Promise<void> {
    try {
      await this.#lab.failpoints.hit(point);
    } catch (error) {
      this.#tell(String(error));
    }
  }
}
