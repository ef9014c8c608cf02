// Plans of the command line: pulls show their progress, and what people interrupt ends.
import type { SpecDocument } from "../spec/read.ts";
import { planLaunch, type Plan, type PlanOptions } from "../zones/plan-launch.ts";
import type { CliContext } from "./context.ts";
import { pullProgress } from "./progress.ts";

export { imageReference, type Plan, type PullPolicy } from "../zones/plan-launch.ts";

export function planFor(
  context: CliContext,
  document: SpecDocument,
  options: PlanOptions & { readonly quiet: boolean },
): Plan {
  const { config, host, images } = context.agent();
  const pull = async (reference: string, { signal }: { readonly signal?: AbortSignal | undefined }): Promise<void> => {
    const settings = { interactive: context.output.errIsTerminal, quiet: options.quiet };
    using progress = pullProgress(context.output, settings);
    await images.pull(reference, { signal, onProgress: progress.onProgress });
  };
  return planLaunch(document, { config, paths: host.paths, images, signal: context.interrupts.signal, pull }, options);
}
