// The agent's own log: JSON lines, also readable by bunyan. Variables go into fields, the message is constant.
import { pino, type DestinationStream, type Logger, type LevelWithSilent } from "pino";

export type { Logger } from "pino";

/** Paths whose values never reach a log. Environment, metadata, credentials and payloads carry tenants' secrets. */
const REDACTED = [
  "env",
  "*.env",
  "auth",
  "*.auth",
  "password",
  "*.password",
  "token",
  "*.token",
  "authorization",
  "*.authorization",
  "headers.authorization",
  "*.headers.authorization",
  "internal_metadata",
  "*.internal_metadata",
  "customer_metadata",
  "*.customer_metadata",
  "input",
  "*.input",
];

export interface LoggerOptions {
  readonly level: LevelWithSilent;
  readonly destination: DestinationStream;
}

export function createLogger({ level, destination }: LoggerOptions): Logger {
  return pino(
    {
      name: "zonelet",
      level,
      // bunyan wants v and an ISO time; level numbers agree already.
      base: { v: 0, pid: process.pid },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      messageKey: "msg",
      redact: { paths: REDACTED, censor: "[redacted]" },
    },
    destination,
  );
}
