// Kind `vmadm-payload`: what the VM service makes of a payload before a node sees it.
import { z } from "zod";
import { completeVmPayload } from "../../agent/zoneinit/vm-service.ts";

const number = z.number().optional();
const inputSchema = z.object({
  vm_payload: z.record(z.string(), z.unknown()),
  package: z
    .looseObject({
      uuid: z.string(),
      brand: z.string().optional(),
      max_physical_memory: z.number(),
      max_swap: z.number(),
      max_lwps: number,
      cpu_cap: number,
      quota: z.number(),
      vcpus: number,
      zfs_io_priority: number,
      fss: z.union([z.number(), z.string()]).optional(),
    })
    .nullable(),
  image_manifest: z.looseObject({
    state: z.string().optional(),
    disabled: z.boolean().optional(),
    tags: z.looseObject({ kernel_version: z.string().optional() }).optional(),
  }),
  nics: z.array(z.looseObject({ resolvers: z.array(z.string()).optional() })),
});

export const VM_SERVICE_JUDGES = {
  "vmadm-payload": (input: unknown) => {
    const { vm_payload, package: own, image_manifest: image, nics } = inputSchema.parse(input);
    return {
      vmadm_payload: completeVmPayload(vm_payload, {
        package: own ?? undefined,
        image: { active: image.state !== "unactivated" && image.disabled !== true, kernelVersion: image.tags?.kernel_version }, // prettier-ignore
        nics,
      }),
    };
  },
};
