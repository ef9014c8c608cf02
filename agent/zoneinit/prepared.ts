// What a spec becomes: one payload for vmadm and what the agent itself has to know to keep the container's promises.
import type { AccountLines } from "../spec/added-accounts.ts";
import type { FieldPlace, SpecWarning } from "../spec/problem.ts";
import type { GroupPlace, ResolvedFile, ResolvedMount, VolumeUse } from "../spec/resolved.ts";
import type { ContainerName } from "../util/ids.ts";
import type { ZoneManifest } from "../vmadm/schema.ts";

export type { SpecWarning } from "../spec/problem.ts";

/** Where a value of the payload came from: one row of `zonelet explain`. */
export interface ValueOrigin {
  /** Path in the payload, e.g. `max_physical_memory` or `internal_metadata.docker:cmd`. */
  readonly path: string;
  readonly from: "spec" | "image" | "package" | "node" | "derived";
  /** Field or rule behind it, e.g. `memory (web.yaml:4:9)`, `Config.Cmd`, `2 × memory`. */
  readonly why: string;
  /** Where the document says it. */
  readonly place?: FieldPlace;
}

/** A directory or file of the global zone that is mounted, and where the document asks for it. */
export interface BindSource {
  readonly path: string;
  readonly place: FieldPlace;
}

export interface PreparedZone {
  readonly name: ContainerName;
  readonly manifest: ZoneManifest;
  readonly autoRemove: boolean;
  readonly tty: boolean;
  readonly openStdin: boolean;
  /** Signal name with SIG. Anything but SIGTERM is sent by us before vmadm's own stop. */
  readonly stopSignal: string;
  readonly stopTimeoutS: number;
  /** Must exist before create: vmadm does not check them. */
  readonly bindSources: readonly BindSource[];
  /** Lines the zone's account files need before its first start. */
  readonly accounts?: AccountLines;
  /** Volumes of the node: made when missing, and in use from the create on. */
  readonly volumes: readonly VolumeUse[];
  /** Made ready between create and the first start: files, and directories of the zone's own volumes. */
  readonly files: readonly ResolvedFile[];
  readonly directories: readonly Required<Pick<ResolvedMount, "source" | "owner">>[];
  readonly group?: GroupPlace;
  readonly warnings: readonly SpecWarning[];
  readonly origins: readonly ValueOrigin[];
}
