// What a translation is told beside the request: the service's settings, the account, and what the account can see.
import type { ZoneLike } from "../docker-view/zone-like.ts";
import type { FirewallRule } from "./firewall.ts";
import type { SdcNetworks } from "./networks.ts";
import type { SdcPackage } from "./packages.ts";
import type { SdcService } from "./service.ts";

export interface SdcAccount {
  readonly uuid: string;
  readonly login: string;
  readonly approved: boolean;
  /** Search suffixes of service discovery; empty where it is off for the account. */
  readonly searchSuffixes: readonly string[];
}

/** An image's record and configuration. */
export interface SdcImage {
  readonly uuid: string;
  /** `smartos` images run natively; everything else is Linux. */
  readonly os: string;
  /** `sha256:…` of the configuration, or the id of an old image. */
  readonly id: string | undefined;
  readonly config: {
    readonly Cmd?: readonly string[] | null | undefined;
    readonly Entrypoint?: readonly string[] | null | undefined;
    readonly Env?: readonly string[] | null | undefined;
    readonly ExposedPorts?: Readonly<Record<string, unknown>> | null | undefined;
    readonly Volumes?: Readonly<Record<string, unknown>> | null | undefined;
    readonly WorkingDir?: string | null | undefined;
    readonly User?: string | null | undefined;
    readonly Labels?: Readonly<Record<string, unknown>> | null | undefined;
  };
}

export interface SdcContext {
  readonly service: SdcService;
  readonly account: SdcAccount;
  /** Undefined: there is no such image. */
  readonly image: SdcImage | undefined;
  readonly packages: readonly SdcPackage[];
  readonly networks: SdcNetworks;
  /** `?name=`; wins over the body's. */
  readonly name?: string | undefined;
  /** Zones of the account, for links and `--volumes-from`. */
  readonly zones: readonly ZoneLike[];
  readonly firewallRules: readonly FirewallRule[];
  /** Random uuids: the zone's, the end of the docker id, one for each volume, one for each rule. */
  readonly newUuid: () => string;
  /** A name for a container that has none. */
  readonly newName: () => string;
}
