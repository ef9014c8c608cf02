import { VmError } from "../../vm/vm-error.ts";
import type { Subcommand } from "./host.ts";

/** Commands of the platform that move zones between nodes: a lab host has no second node. */
export function notOffered(command: string): Subcommand {
  return () => Promise.reject(new VmError(`vmadm ${command}: the lab host does not offer this command`));
}
