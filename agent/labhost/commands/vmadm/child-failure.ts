import { ZfsError } from "../../datasets.ts";
import { InRootError } from "../../runtime/in-root.ts";
import { VmError } from "../../vm/vm-error.ts";

/** Work that a child program does on the platform: what it cannot do is told as that child's failure (vmadm.md 1). */
export async function asChild<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ZfsError || error instanceof InRootError)
      throw new VmError(`Command failed: ${error.message}`);
    throw error;
  }
}
