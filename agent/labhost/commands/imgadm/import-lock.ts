// The lock of `install` and `import`, one per image uuid (imgadm.md 2).
import type { CommandContext } from "../../command.ts";
import { acquireLock, type Lock } from "../../../util/lock.ts";

/** imgadm says that it waits once a second has passed. */
const TELL_AFTER_MS = 1000;

/** Waits without limit. The file is never removed. */
export async function waitForImportLock(context: CommandContext, uuid: string): Promise<Lock> {
  let tell: NodeJS.Timeout | undefined;
  const lock = await acquireLock(context.lab.path(`/var/run/img.${uuid}.import.lock`), {
    onWait: () => {
      tell = setTimeout(() => context.out(`Waiting for image ${uuid} import lock\n`), TELL_AFTER_MS);
    },
  });
  clearTimeout(tell);
  if (!lock) throw new Error("unreachable: a lock without timeout was not granted");
  return lock;
}
