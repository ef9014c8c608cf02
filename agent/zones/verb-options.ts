/** What every verb on a container may be given. */
export interface VerbOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onWait?: (what: string) => void;
}
