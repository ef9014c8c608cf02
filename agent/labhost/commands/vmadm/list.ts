// list (vmadm.md 3.4).
import { matchesAll, parseFilters } from "../../vm/filters.ts";
import { formatTable, parseColumns } from "../../vm/table.ts";
import { withSynthetic } from "../../vm/synthetic.ts";
import { allVms, type Outcome, type VmHost } from "./host.ts";
import { parseArguments } from "./options.ts";

export async function list(host: VmHost, args: readonly string[]): Promise<Outcome> {
  const { options, words } = parseArguments(args, {
    parsable: { kind: "flag", short: "p" },
    noheader: { kind: "flag", short: "H" },
    header: { kind: "flag", short: "h" },
    order: { kind: "text", short: "o" },
    sort: { kind: "text", short: "s" },
  });
  const columns = parseColumns(options["order"], options["sort"]);
  const filters = parseFilters(words, "list");
  const rows = (await allVms(host)).map(withSynthetic).filter((vm) => matchesAll(vm, filters));
  const parsable = options["parsable"] === true;
  const header = options["header"] === true || !(parsable || options["noheader"] === true);
  return { stdout: formatTable(rows, columns, { parsable, header }) };
}
