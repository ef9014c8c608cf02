// What the layers above may ask of vmadm. Implementations: `cli.ts` (the real command line) and `memory.ts` (for unit
// tests of those layers). Both pass test/contract.
import type { ZoneUuid } from "../util/ids.ts";
import type { SnapshotName, UpdatePayload, VmEvent, VmObject, ZoneManifest } from "./schema.ts";

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Overrides the deadline of the command (vmadm.md, end of section 11). */
  readonly timeoutMs?: number;
  /** Called with the pid of the child of a mutating command, so that a record can name it before it is awaited. */
  readonly onSpawn?: (pid: number) => void;
}

/** What `vmadm validate` says of a payload it does not like. Nested keys are `nics.*.key`. */
export interface ValidationFailure {
  readonly badBrand?: string;
  readonly badValues: readonly string[];
  readonly badProperties: readonly string[];
  readonly missingProperties: readonly string[];
}

export interface Vmadm {
  /** undefined: no such zone. */
  get(zone: ZoneUuid, options?: CallOptions): Promise<VmObject | undefined>;
  /** Every zone, or those that match all filters (`key=value`, exact). One vmadm call. */
  lookup(filters?: Readonly<Record<string, string>>, options?: CallOptions): Promise<readonly VmObject[]>;
  /** undefined: valid. */
  validateCreate(manifest: ZoneManifest, options?: CallOptions): Promise<ValidationFailure | undefined>;
  validateUpdate(brand: string, payload: UpdatePayload, options?: CallOptions): Promise<ValidationFailure | undefined>;
  /**
   * Creates the zone under the uuid the manifest carries. On an error nothing is cleaned up: the platform may have left
   * a half-made zone under that uuid. A vminfod timeout is settled by re-reading before it becomes an error.
   */
  create(manifest: ZoneManifest, options?: CallOptions): Promise<void>;
  /** Already running is success. Success does not prove that the container still runs (vmadm.md 16.15). */
  start(zone: ZoneUuid, options?: CallOptions): Promise<void>;
  /** TERM, wait `timeoutS` (default 10), KILL. Not running is success; no such zone is ZONE_NOT_FOUND. */
  stop(zone: ZoneUuid, options?: CallOptions & { readonly timeoutS?: number; readonly force?: boolean }): Promise<void>;
  reboot(zone: ZoneUuid, options?: CallOptions & { readonly force?: boolean }): Promise<void>;
  /** Signal by name, with or without SIG; numbers are refused here because the platform's are not Linux's. */
  kill(zone: ZoneUuid, signalName: string, options?: CallOptions): Promise<void>;
  update(zone: ZoneUuid, payload: UpdatePayload, options?: CallOptions): Promise<void>;
  /** No such zone is success. */
  delete(zone: ZoneUuid, options?: CallOptions): Promise<void>;
  createSnapshot(zone: ZoneUuid, name: SnapshotName, options?: CallOptions): Promise<void>;
  deleteSnapshot(zone: ZoneUuid, name: SnapshotName, options?: CallOptions): Promise<void>;
  rollbackSnapshot(zone: ZoneUuid, name: SnapshotName, options?: CallOptions): Promise<void>;
  reprovision(zone: ZoneUuid, imageUuid: string, options?: CallOptions): Promise<void>;
  /**
   * `vmadm info`: exists for kvm and bhyve only; for an lx zone this is an Unimplemented error with the platform's words.
   */
  info(zone: ZoneUuid, options?: CallOptions): Promise<Readonly<Record<string, unknown>>>;
  /**
   * State changes as vminfod tells them, a `ready` event with all zones first. The stream never ends by itself: when
   * the platform's process dies it is started again and a new `ready` event tells the state after the gap. Ends when
   * `signal` aborts or the iterator is returned. With a zone: its events only (the ready event still holds all zones).
   */
  events(options?: { readonly zone?: ZoneUuid; readonly signal?: AbortSignal }): AsyncIterable<VmEvent>;
}
