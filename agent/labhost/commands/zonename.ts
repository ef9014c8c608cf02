import type { EmulatedCommand } from "../command.ts";

/** The lab stands for the global zone. */
export const zonename: EmulatedCommand = ({ out }) => {
  out("global\n");
  return Promise.resolve(0);
};
