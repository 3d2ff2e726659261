import { pino } from "pino";
import type { Log, LogLevel } from "../base/log.ts";

/** The server's own log: one JSON object a line on stderr. */
export function createServerLog(level: LogLevel): Log {
  return adapt(pino({ level, base: null }, pino.destination({ dest: 2, sync: true })));
}

function adapt(logger: pino.Logger): Log {
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
    child: (fields) => adapt(logger.child(fields)),
  };
}
