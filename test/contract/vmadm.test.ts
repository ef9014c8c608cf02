import { BENCHES } from "./bench.ts";
import { vmadmContract } from "./vmadm.contract.ts";

for (const [name, open] of BENCHES) vmadmContract(name, open);
