import { pino } from "pino";

/** How much a log says; each level includes the ones after it. */
export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
/** One of them. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/**
 * Where a process tells its operator what happens to it: one line for each change worth knowing.
 */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * A log of JSON lines on standard error, each with `fields`. Written synchronously: the last line
 * before a crash is the one that matters, and there is none per operation.
 */
export function createLog(level: LogLevel, fields: Readonly<Record<string, unknown>>): Log {
  return pino({ level, base: fields }, pino.destination({ dest: 2, sync: true }));
}
