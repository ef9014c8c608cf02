// How `state` follows from the kernel's zone state and the configuration (vmadm.md 10).

export interface StateInput {
  readonly zoneState: string;
  /** `name:target:expire` */
  readonly transition?: string | undefined;
  readonly provisioning: boolean;
  readonly failed: boolean;
}

export interface DerivedState {
  readonly state: string;
  readonly transition_to?: string;
  readonly transition_expire?: number;
}

export function deriveState(input: StateInput): DerivedState {
  const transition = parseTransition(input.transition);
  let state = transition?.state ?? (input.zoneState === "installed" ? "stopped" : input.zoneState);
  if (state === "stopped" && input.provisioning) state = "provisioning";
  if (input.failed) state = "failed";
  return { ...transition, state };
}

function parseTransition(text: string | undefined): DerivedState | undefined {
  const [name, target, expire] = (text ?? "").split(":");
  if (!name || target === undefined || expire === undefined) return undefined;
  return { state: name, transition_to: target, transition_expire: Number(expire) };
}
