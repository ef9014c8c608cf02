// What a failed vmadm run means.
//
// The rows of failure-rows.ts are tried in order against the message without its prefixes (output.ts). Text no row knows
// is never guessed at: it becomes HOST_COMMAND_FAILED with everything kept in the cause.
import { AgentError, type AgentErrorOptions } from "../errors/agent-error.ts";
import type { CommandError } from "../exec/errors.ts";
import { VMADM_ROWS, type Meaning, type VmadmOperation } from "./failure-rows.ts";
import { readStderr, stripPrefixes } from "./output.ts";

/** Ended at their deadline; everything else goes on. */
const READS: readonly VmadmOperation[] = ["get", "lookup", "validate", "info", "events"];

/** Death by an uncaught exception (vmadm.md 1): the stack tells whether vminfod went away, any other is a bug of vmadm. */
const CRASH_OF_VMINFOD = /vminfod|VminfodEventStream|ECONNREFUSED|ECONNRESET|socket hang up/i;

/**
 * What a failed vmadm run means: "done" where what was asked for holds already, else the error to raise. `subject` names
 * operation and object for people: `start zone U`.
 */
export function classifyVmadm(operation: VmadmOperation, subject: string, error: CommandError): "done" | AgentError {
  const said = readStderr(error.outcome.stderrTail);
  const raise = (meaning: Meaning): AgentError => {
    const options: AgentErrorOptions = {
      cause: error,
      details: { ...meaning.details, platform: said.message.slice(0, 2000) },
      ...(meaning.hint === undefined ? {} : { hint: meaning.hint }),
    };
    return new AgentError(meaning.code, `${subject}: ${meaning.why}`, options);
  };

  if (crashed(error)) {
    if (!CRASH_OF_VMINFOD.test(said.text)) return new AgentError("HOST_COMMAND_FAILED", subject, { cause: error });
    return raise({ code: "VMINFOD_UNAVAILABLE", why: "vminfod went away meanwhile", hint: 'see "svcs -x vminfod"' });
  }
  if (error.failure === "timeout")
    return raise(
      READS.includes(operation)
        ? { code: "DEADLINE", why: "vmadm did not answer in time", hint: 'see "svcs -x vminfod"' }
        : { code: "DEADLINE", why: "vmadm is still at it", hint: "look at the zone before trying again" },
    );
  if (error.failure !== "exit") return new AgentError(error.code, subject, { cause: error });

  for (const row of VMADM_ROWS) {
    if (row.of && !row.of.includes(operation)) continue;
    const match = row.match.exec(said.message);
    if (match) return row.means === "done" ? "done" : raise(row.means(match, said));
  }
  return new AgentError("HOST_COMMAND_FAILED", subject, { cause: error });
}

/** The row that answers, for the test that every row is proved. */
export function rowOf(operation: VmadmOperation, stderr: string): string | undefined {
  const { message } = readStderr(stderr);
  return VMADM_ROWS.find((row) => (!row.of || row.of.includes(operation)) && row.match.test(stripPrefixes(message)))
    ?.name;
}

/** A shell in between turns SIGABRT into 134. */
function crashed(error: CommandError): boolean {
  return error.outcome.signal === "SIGABRT" || error.outcome.exitCode === 134;
}
