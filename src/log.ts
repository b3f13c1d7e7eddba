/** The only writer of standard output and error: events as JSON lines, and text for people. */

import { write, writeSync } from "node:fs";

const LOG_LEVELS = ["debug", "info", "warning", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  /** One event, one line of printable characters. `fields` may not hold secrets. */
  event(level: LogLevel, event: string, fields?: LogFields): void;
  /** Writes what is still buffered; for the last moment of a process. */
  flush(): void;
}

interface LogOptions {
  /** The `logger` key of each line, e.g. `sentinel.target`. */
  readonly name: string;
  /** Lines are gathered for up to this long before they are written. 0 writes each at once. */
  readonly bufferMs?: number;
}

const STDOUT = 1;
const STDERR = 2;
const BUFFER_BYTES = 64 * 1024;
const MAX_BYTES_PER_UTF16_UNIT = 3;

/**
 * Events on standard output, one JSON object a line: `event, level, logger, timestamp` and the
 * event's own fields.
 *
 * Our own writer and not a logging library, because a line for each request is on the path that the
 * target is measured on: `bench/target.ts` had pino at 0.57 of bare Elysia, where at least 0.70 is asked.
 */
export function createLog({ name, bufferMs = 0 }: LogOptions): Log {
  const buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  const logger = JSON.stringify(name);
  const timestamp = createTimestamp();
  let used = 0;

  const flush = () => {
    writeAll(STDOUT, buffer.subarray(0, used));
    used = 0;
  };
  if (bufferMs > 0) setInterval(flush, bufferMs).unref();

  const append = (line: string) => {
    const maxBytes = line.length * MAX_BYTES_PER_UTF16_UNIT;
    if (used + maxBytes > BUFFER_BYTES) flush();
    if (maxBytes > BUFFER_BYTES) writeAll(STDOUT, Buffer.from(line));
    else used += buffer.write(line, used);
    if (bufferMs === 0) flush();
  };

  return {
    event(level, event, fields = {}) {
      const head = `{"event":${JSON.stringify(event)},"level":"${level}","logger":${logger},"timestamp":"${timestamp()}"`;
      // The fields' own text goes behind the head: copying them into one object first costs as much
      // as answering a request.
      const own = escapeInvisible(JSON.stringify(fields));
      append(own === "{}" ? `${head}}\n` : `${head},${own.slice(1)}\n`);
    },
    flush,
  };
}

/** The present as ISO 8601 has it; a thousand lines of one millisecond make one text. */
function createTimestamp(): () => string {
  let atMs = Number.NaN;
  let text = "";
  return () => {
    const nowMs = Date.now();
    if (nowMs !== atMs) {
      atMs = nowMs;
      text = new Date(nowMs).toISOString();
    }
    return text;
  };
}

/** What JSON leaves as it is and a terminal obeys, or a reader does not see: C1 controls, bidi, tags. */
const INVISIBLE = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The same JSON, in which nothing moves a cursor or reverses what is read. */
function escapeInvisible(json: string): string {
  // Nearly every line is plain, and this is on the path of every request.
  if (!/[^\x20-\x7e]/.test(json)) return json;
  return json.replace(INVISIBLE, (char) =>
    Array.from(
      { length: char.length },
      (_, at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, "0")}`,
    ).join(""),
  );
}

/** Lines for people, on standard output. */
export function print(text: string): void {
  writeAll(STDOUT, Buffer.from(`${text}\n`));
}

/** A part of a line for a person at a terminal, such as one that is drawn over again. */
export function printPart(text: string): void {
  writeAll(STDOUT, Buffer.from(text));
}

/** Lines for people, on standard error. */
export function printError(text: string): void {
  writeAll(STDERR, Buffer.from(`${text}\n`));
}

/** Beyond this many bytes lines are left out until the reader has caught up. */
const MAX_WAITING_BYTES = 256 * 1024;
const RETRY_MS = 10;
const FLUSH_MS = 1000;

/** Lines of somebody else on standard error, which must hold up neither that one nor this process. */
interface PassThrough extends AsyncDisposable {
  /** Takes a line, or leaves it out, and says so later, where the reader is too slow. */
  line(text: string): void;
  /** Waits until all is written, though not for long. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Unlike `printError`, it never waits for a slow reader: the write is done by another thread. */
export function createPassThrough(): PassThrough {
  let waiting: string[] = [];
  let waitingBytes = 0;
  let leftOut = 0;
  let writing: Promise<void> | undefined;

  const drain = async () => {
    while (waiting.length > 0) {
      const bytes = Buffer.from(waiting.join(""));
      waiting = [];
      waitingBytes = 0;
      if (!(await writeLater(STDERR, bytes))) return;
    }
  };
  const queue = (text: string) => {
    waiting.push(text);
    waitingBytes += text.length;
    writing ??= drain().finally(() => {
      writing = undefined;
    });
  };
  return {
    line(text) {
      if (waitingBytes > MAX_WAITING_BYTES) {
        leftOut += 1;
        return;
      }
      if (leftOut > 0) queue(`(${leftOut} lines left out: they are read too slowly)\n`);
      leftOut = 0;
      queue(`${text}\n`);
    },
    async [Symbol.asyncDispose]() {
      await Promise.race([writing, Bun.sleep(FLUSH_MS)]);
    },
  };
}

/** @returns whether there is still somebody who reads */
async function writeLater(descriptor: number, bytes: Uint8Array): Promise<boolean> {
  for (let from = 0; from < bytes.length;) {
    const { promise, resolve } = Promise.withResolvers<{
      code?: string | undefined;
      written: number;
    }>();
    write(descriptor, bytes, from, bytes.length - from, null, (error, written) =>
      resolve({ code: error?.code, written: error ? 0 : written }),
    );
    const { code, written } = await promise;
    if (code === "EAGAIN") await Bun.sleep(RETRY_MS);
    else if (code !== undefined) return false;
    from += written;
  }
  return true;
}

/** A pipe whose reader is slow takes less than it is given, or nothing for a moment. */
function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let from = 0; from < bytes.length;) {
    try {
      from += writeSync(descriptor, bytes, from);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      // The reader is gone, so there is nothing to write, and the work goes on.
      if (code === "EPIPE" || code === "ECONNRESET") return;
      if (code !== "EAGAIN") throw error;
      Bun.sleepSync(1);
    }
  }
}
