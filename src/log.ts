/** The only writer of standard output and error: events as JSON lines, and text for people. */

import pino from "pino";

export type LogLevel = "debug" | "info" | "warning" | "error";
export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  /** One event, one line. `fields` may not hold secrets. */
  event(level: LogLevel, event: string, fields?: LogFields): void;
  /** Writes what is still buffered; for the last moment of a process. */
  flush(): void;
}

export interface LogOptions {
  /** The `logger` key of each line, e.g. `sentinel.target`. */
  readonly name: string;
  /**
   * Lines are gathered for up to this long before they are written. 0 writes each at once.
   * A buffered line costs about a third of one that is written by itself.
   */
  readonly bufferMs?: number;
}

const BUFFER_BYTES = 16 * 1024;

/** Events on standard output, one JSON object a line, with `event, level, logger, timestamp`. */
export function createLog({ name, bufferMs = 0 }: LogOptions): Log {
  const destination = pino.destination({
    dest: 1,
    sync: true,
    minLength: bufferMs > 0 ? BUFFER_BYTES : 0,
    periodicFlush: bufferMs,
  });
  const logger = pino(
    {
      base: { logger: name },
      level: "debug",
      messageKey: "event",
      customLevels: { warning: 40 },
      formatters: { level: (label) => ({ level: label }) },
      timestamp: () => `,"timestamp":"${new Date().toISOString()}"`,
    },
    destination,
  );
  return {
    event: (level, event, fields = {}) => logger[level](fields, event),
    flush: () => destination.flushSync(),
  };
}

/** A line for people on standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A line for people on standard error. */
export function printError(text: string): void {
  process.stderr.write(`${text}\n`);
}
