// The composition root: every service is made here, each from complete dependencies.
import { basename } from "node:path";
import { loadConfig, type LoadOptions } from "./config/load.ts";
import type { Config } from "./config/schema.ts";
import { notedImages } from "./events/noted-images.ts";
import { createEvents, type Events } from "./events/events.ts";
import { createDaemonClient } from "./daemon/client.ts";
import { createVmadmView } from "./daemon/vmadm-view.ts";
import { aboutZone } from "./events/zone-tracker.ts";
import { createCommandRunner } from "./exec/run.ts";
import { createHost, type Host } from "./host/host.ts";
import { createImages } from "./imgadm/image-store.ts";
import { createImgadmCli } from "./imgadm/cli.ts";
import type { Images } from "./imgadm/images.ts";
import { createRegistries, type Registries } from "./imgadm/registry/registries.ts";
import type { Imgadm } from "./imgadm/client.ts";
import { createLogger, type Logger } from "./log/logger.ts";
import { createSnapshots, type Snapshots } from "./snapshots/snapshots.ts";
import { createLogJanitor, type LogJanitor } from "./logs/janitor.ts";
import { openTasks } from "./tasks/open-tasks.ts";
import type { TaskService } from "./tasks/service.ts";
import { LatencyTable } from "./util/latency-table.ts";
import { createVmadmCli } from "./vmadm/cli.ts";
import type { Vmadm } from "./vmadm/client.ts";
import { createVolumes, type Volumes } from "./volumes/volumes.ts";
import { createContainers, type Containers } from "./zones/containers.ts";
import { createGroups, type Groups } from "./zones/groups.ts";
import { createHealth, type Health } from "./zones/health.ts";
import { createZoneStore } from "./zones/store.ts";

export interface Agent {
  readonly config: Config;
  readonly log: Logger;
  readonly host: Host;
  readonly vmadm: Vmadm;
  readonly imgadm: Imgadm;
  readonly images: Images;
  readonly registries: Registries;
  readonly volumes: Volumes;
  readonly containers: Containers;
  /** For verbs that only look: the zones as a daemon has them in memory, where one runs; else the same as the others. */
  readonly view: { readonly vmadm: Vmadm; readonly containers: Pick<Containers, "list" | "find" | "records" | "wait"> };
  readonly health: Health;
  readonly logJanitor: LogJanitor;
  readonly groups: Groups;
  readonly events: Events;
  readonly snapshots: Snapshots;
  /** The node's tasks; the first call makes the key that seals their secrets. */
  tasks(): Promise<TaskService>;
  /** Host commands of this process. */
  readonly latencies: LatencyTable;
}

type Level = NonNullable<Config["log"]["level"]>;

export interface AgentOptions extends LoadOptions {
  readonly logLevel?: Level | undefined;
  /** Where neither the command line nor the configuration says one. */
  readonly defaultLevel?: Level | undefined;
  /** Figures to go on with, when an agent takes another one's place. */
  readonly latencies?: LatencyTable;
}

/** Reads the configuration and puts the agent together. Starts nothing and touches nothing on the host. */
export function createAgent(options: AgentOptions = {}): Agent {
  const config = loadConfig(options);
  const log = createLogger({
    level: options.logLevel ?? config.log.level ?? options.defaultLevel ?? "warn",
    destination: process.stderr,
  });
  const { latencies = new LatencyTable() } = options;
  const runner = createCommandRunner({
    env: config.commandEnv,
    onDone: ({ argv, durationMs, exitCode, failure }) => {
      const [path = "", verb = ""] = argv;
      latencies.record(
        `${basename(path)} ${/^[a-z][a-z-]*$/.test(verb) ? verb : ""}`.trim(),
        durationMs,
        failure !== undefined,
      );
      log.debug({ argv, ms: Math.round(durationMs), exitCode, failure }, "host command");
    },
  });
  const host = createHost({ root: config.host.root, binDirs: config.host.binDirs, runner });
  // A caller's request id is handed on; without one each call gets its own.
  const requestId = config.commandEnv["REQ_ID"];
  const requests = requestId === undefined ? {} : { requestId };
  const vmadm = createVmadmCli(host, log, requests);
  const imgadm = createImgadmCli(host, log, { pool: config.host.pool, ...requests });
  const registries = createRegistries({ config, paths: host.paths, log });
  const events = createEvents({ vmadm, paths: host.paths, log });
  const images = notedImages(
    createImages({
      host,
      imgadm,
      config,
      log,
      zoneNames: async (signal) =>
        new Map((await vmadm.lookup({}, { signal })).map((vm) => [vm.uuid, vm.alias ?? vm.uuid] as const)),
    }),
    events,
  );
  const volumes = createVolumes({ host, pool: config.host.pool, log });
  const health = createHealth({
    host,
    vmadm,
    onChange: (vm, status) => events.note("/zones/health", { container_id: vm.uuid, status }, aboutZone(vm)),
  });
  const store = createZoneStore(host.paths, log);
  const containers = createContainers({
    onSignal: (vm, signal) => events.note("/zones/signal", { container_id: vm.uuid, signal }, aboutZone(vm)),
    vmadm,
    images,
    volumes,
    store,
    paths: host.paths,
    log,
  });
  const groups = createGroups({ containers, volumes, health, paths: host.paths });
  const viewed = createVmadmView(vmadm, createDaemonClient(host.paths.socket));
  const view = {
    vmadm: viewed,
    containers: createContainers({ vmadm: viewed, images, volumes, store, paths: host.paths, log }),
  };
  const snapshots = createSnapshots({ host, vmadm, pool: config.host.pool });
  let opened: Promise<TaskService> | undefined;
  const tasks = (): Promise<TaskService> =>
    (opened ??= openTasks(
      {
        vmadm,
        imgadm,
        images,
        config,
        host,
        over: (other) => ({
          containers: createContainers({ vmadm: other, images, volumes, store, paths: host.paths, log }),
          snapshots: createSnapshots({ host, vmadm: other, pool: config.host.pool }),
        }),
      },
      host.paths,
      log,
    ));
  const logJanitor = createLogJanitor({ paths: host.paths, runner, settings: config.logs, log });
  return {
    config,
    log,
    host,
    vmadm,
    imgadm,
    images,
    registries,
    volumes,
    containers,
    health,
    groups,
    view,
    logJanitor,
    events,
    snapshots,
    tasks,
    latencies,
  };
}
