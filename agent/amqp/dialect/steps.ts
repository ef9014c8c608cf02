// Steps of the predecessors' tasks (amqp-head-node.md 9.1, 10.1): the value of the progress event between a step's start
// and its end, and the words of its description. Head nodes store both, and show them.
export interface DialectStep {
  readonly progress: number;
  readonly description: string;
}

const IMAGE_STEPS = {
  pre_check: { progress: 20, description: "Pre-flight sanity check" },
  ensure_dataset_present: { progress: 30, description: "Checking for zone template dataset" },
  fetch_dataset: { progress: 50, description: "Fetching zone template dataset" },
} as const;

/** By task, then by step. */
const STEPS: Readonly<Record<string, Readonly<Record<string, DialectStep>>>> = {
  machine_create: {
    ...IMAGE_STEPS,
    add_firewall_rules: { progress: 60, description: "Adding firewall rules" },
    create_machine: { progress: 100, description: "Creating machine" },
  },
  machine_reprovision: {
    ...IMAGE_STEPS,
    // The predecessor's words are not determined.
    reprovision_machine: { progress: 100, description: "Reprovisioning machine" },
  },
  machine_update_nics: {
    pre_check: { progress: 20, description: "Pre-flight sanity check" },
    // Nor are these two.
    filter_vms: { progress: 50, description: "Filtering VMs" },
    perform_updates: { progress: 100, description: "Performing updates" },
  },
};

/** Undefined for a step the predecessor did not have: it is told, without a progress of its own. */
export function dialectStep(task: string, step: string): DialectStep | undefined {
  const steps = Object.hasOwn(STEPS, task) ? STEPS[task] : undefined;
  return steps !== undefined && Object.hasOwn(steps, step) ? steps[step] : undefined;
}
