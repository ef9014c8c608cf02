/** What zfs prints before it exits 1, e.g. `cannot open 'zones/x': dataset does not exist`. */
export class ZfsError extends Error {}
