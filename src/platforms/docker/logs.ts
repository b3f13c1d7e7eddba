/** PURE: the two streams of `docker logs --timestamps` as one list of lines. */

import type { LogLine } from "../../core/evidence.ts";

/** The size of all lines together; the oldest are dropped first. */
export const MAX_LOG_BYTES = 256 * 1024;

/** The size of one line, its mark included. */
export const MAX_LINE_BYTES = 2 * 1024;

const CUT_MARK = "…";

/**
 * Docker writes nine digits and Z, Podman fewer, and the journald driver a local zone, so the text
 * itself does not sort.
 */
const STAMPED =
  /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})(?: (.*))?$/s;

/** One line of a log, and when it was written. */
export interface StampedLine {
  readonly text: string;
  /** The time of its whole second. */
  readonly epochMs: number;
  /** The nanoseconds of that second, 0 to 999,999,999. */
  readonly nanos: number;
}

export interface LogStreams {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Both streams in order of time: the last lines up to `maxLines` and 256 KiB, each cut to 2 KiB and then
 * marked with `…`. At the same instant standard output is first.
 */
export function mergeLogs(streams: LogStreams, maxLines: number): readonly LogLine[] {
  const lines = stampedLines(streams, maxLines).map(({ text, epochMs, nanos }) => ({
    text,
    // A remark of the engine's before its first line has no time.
    atMs: epochMs > 0 ? epochMs + Math.floor(nanos / NANOSECONDS_PER_MS) : undefined,
  }));
  return newestLines(lines, maxLines);
}

const NANOSECONDS_PER_MS = 1e6;

/**
 * Both streams in order of time; at the same instant standard output is first.
 *
 * @param maxLines that each stream was asked for: whoever sends more is not read on
 */
export function stampedLines(
  { stdout, stderr }: LogStreams,
  maxLines: number,
): readonly StampedLine[] {
  return [...parse(lastLines(stdout, maxLines)), ...parse(lastLines(stderr, maxLines))].sort(
    (a, b) => a.epochMs - b.epochMs || a.nanos - b.nanos,
  );
}

/** From the end, so that a megabyte of line ends costs no more than what is kept of it. */
function lastLines(stream: string, maxLines: number): string {
  let from = stream.endsWith("\n") ? stream.length - 1 : stream.length;
  for (let lines = 0; lines < maxLines && from >= 0; lines += 1)
    from = from === 0 ? -1 : stream.lastIndexOf("\n", from - 1);
  return stream.slice(from + 1);
}

/** The last lines up to `maxLines` and 256 KiB, each cut to 2 KiB and then marked with `…`. */
export function newestLines(lines: readonly LogLine[], maxLines: number): readonly LogLine[] {
  const kept: LogLine[] = [];
  let bytes = 0;
  for (const line of lines.slice(Math.max(0, lines.length - maxLines)).reverse()) {
    const text = cut(line.text);
    bytes += Buffer.byteLength(text) + 1;
    if (bytes > MAX_LOG_BYTES) break;
    kept.push({ ...line, text });
  }
  return kept.reverse();
}

/** A line without a timestamp (the engine's own remark) stays behind the one before it. */
function parse(stream: string): readonly StampedLine[] {
  const lines: StampedLine[] = [];
  for (const raw of stream.split("\n")) {
    // A container with a terminal ends its lines with CR LF.
    const text = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
    const [, second, fraction = "", zone, message = ""] = STAMPED.exec(text) ?? [];
    const previous = lines.at(-1);
    if (second !== undefined)
      lines.push({
        text: message,
        epochMs: Date.parse(`${second}${zone}`),
        nanos: Number(fraction.padEnd(9, "0")),
      });
    else if (text !== "")
      lines.push({ text, epochMs: previous?.epochMs ?? 0, nanos: previous?.nanos ?? 0 });
  }
  return lines;
}

function cut(line: string): string {
  if (Buffer.byteLength(line) <= MAX_LINE_BYTES) return line;
  const room = new Uint8Array(MAX_LINE_BYTES - Buffer.byteLength(CUT_MARK));
  // Counts whole characters only, so that none is cut in half.
  const { read } = new TextEncoder().encodeInto(line, room);
  return line.slice(0, read) + CUT_MARK;
}
