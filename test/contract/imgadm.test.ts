import { BENCHES } from "./bench.ts";
import { imgadmContract } from "./imgadm.contract.ts";

for (const [name, open] of BENCHES) imgadmContract(name, open);
