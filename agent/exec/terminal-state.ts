import { execaSync } from "execa";

const STTY = "/usr/bin/stty";

/**
 * Remembers how the terminal on our stdin is set. What is returned sets it so again, once; it is also done when the process
 * ends. `change`: settings for stty(1) to take meanwhile. For commands that get the terminal as it is and may be killed before they give it back.
 */
export function keepTerminal(env: Readonly<Record<string, string>>, change: readonly string[] = []): () => void {
  const stty = (args: readonly string[]): string => {
    const result = execaSync(STTY, args, {
      env,
      extendEnv: false,
      stdin: "inherit",
      stderr: "ignore",
      reject: false,
      timeout: 2_000,
    });
    return result.exitCode === 0 ? result.stdout : "";
  };
  const state = stty(["-g"]).trim();
  let given = state === "";
  if (change.length > 0 && !given) stty(change);
  const giveBack = (): void => {
    process.removeListener("exit", giveBack);
    if (given) return;
    given = true;
    stty([state]);
  };
  process.once("exit", giveBack);
  return giveBack;
}

/** Keys go as they are typed, and output as it is written (node's own raw mode still changes line ends). */
export function rawTerminal(): () => void {
  return keepTerminal({ PATH: "/usr/bin:/bin" }, ["raw", "-echo"]);
}
