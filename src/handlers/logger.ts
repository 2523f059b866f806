// The server log: one JSON line per thing worth knowing, on standard output.
import { pino, stdSerializers, type Logger as PinoLogger } from "pino";

export type Logger = PinoLogger;
export const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A failed statement's error without the values bound to it: configs with their variables may be among them. */
function withoutValues(error: Error): object {
  const shown = { ...stdSerializers.err(error) } as Record<string, unknown>;
  for (const key of ["parameters", "driverError"]) shown[key] = undefined;
  return shown;
}

export function makeLogger(level: LogLevel): Logger {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    serializers: { err: withoutValues },
    redact: ["req.headers.authorization", "req.headers.cookie"],
  });
}
