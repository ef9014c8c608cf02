/**
 * Whose Docker is spoken. `engine`: Docker Inc's daemon, what people mean. `sdc`: the predecessor of the head nodes,
 * byte for byte where a caller may rely on it (sdc-docker.md); where it differs from that, manifests/README.md says so.
 */
export type Dialect = "engine" | "sdc";
