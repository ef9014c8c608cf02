/** The zone object `vmadm get` prints (vmadm.md 9). */
export type LabVm = Record<string, unknown> & { uuid: string; zonepath: string };
