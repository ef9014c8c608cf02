// Settings of the head nodes' Docker service.

/** Settings of the service (sdc-docker.md 26). */
export interface SdcService {
  /** MiB, for a request that says no memory. */
  readonly defaultMemoryMiB: number;
  /** Bytes. */
  readonly defaultMaxLogSize: number;
  readonly enabledLogDrivers: readonly string[];
  /** Beginning of the names of packages that may be chosen by memory alone. */
  readonly packagePrefix: string;
  /** Name of the network that leads outside. */
  readonly externalNetwork: string;
  readonly overlay: { readonly enabled: boolean; readonly externalPool?: string | undefined };
  readonly firewallVersion: 1 | 2;
  readonly sharedVolumes: boolean;
  readonly automountVolumes: boolean;
}

export const DEFAULT_SERVICE: SdcService = {
  defaultMemoryMiB: 1024,
  defaultMaxLogSize: 50_000_000,
  enabledLogDrivers: ["json-file"],
  packagePrefix: "sample-",
  externalNetwork: "external",
  overlay: { enabled: false },
  firewallVersion: 1,
  sharedVolumes: false,
  automountVolumes: false,
};
