/** The last lines that a process wrote, however much it writes. */

import { MAX_LINE_BYTES, MAX_LOG_BYTES, newestLines } from "../docker/logs.ts";
import type { Sink } from "../run-command.ts";

export const MAX_LINES = 2000;

/** More than a line may have, so that it is seen to be cut, and not in the middle of a character. */
const KEPT_LINE_BYTES = MAX_LINE_BYTES + 4;

const LF = 0x0a;
const CR = 0x0d;

/** A stream of one process. */
interface LineStream extends Sink {
  /** The stream is at its end: what stands behind its last newline is a line too. */
  end(): void;
}

/** Lines of several streams, in the order in which they ended; 2,000 lines and 256 KiB at most. */
export class LogTail {
  readonly #lines: Uint8Array[] = [];
  #bytes = 0;
  #added = 0;
  readonly #open = new Set<PartialLine>();

  /** Adds a stream. Its lines are its own: two streams never share one. */
  open(): LineStream {
    const partial = new PartialLine();
    this.#open.add(partial);
    return {
      push: (chunk) => {
        let from = lastLinesStart(chunk);
        if (from > 0) partial.length = 0;
        for (let to = chunk.indexOf(LF, from); to >= 0; to = chunk.indexOf(LF, from)) {
          if (partial.length === 0) this.#add(lineOf(chunk, from, to));
          else {
            partial.append(chunk.subarray(from, to));
            this.#add(partial.take());
          }
          from = to + 1;
        }
        partial.append(chunk.subarray(from));
      },
      end: () => {
        if (partial.length > 0) this.#add(partial.take());
        this.#open.delete(partial);
      },
    };
  }

  /** How many lines have ended so far, those that are kept no more among them. */
  get added(): number {
    return this.#added;
  }

  /** A remark of the supervisor's own. */
  note(text: string): void {
    this.#add(new TextEncoder().encode(text));
  }

  /** The last lines, oldest first; what has no newline yet is at their end. At most 256 KiB. */
  last(maxLines: number): readonly string[] {
    const unfinished = [...this.#open]
      .filter(({ length }) => length > 0)
      .map((line) => line.peek());
    const decoder = new TextDecoder();
    const lines = [...this.#lines, ...unfinished].map((line) => ({ text: decoder.decode(line) }));
    return newestLines(lines, maxLines).map(({ text }) => text);
  }

  #add(line: Uint8Array): void {
    this.#lines.push(line);
    this.#added += 1;
    this.#bytes += line.byteLength + 1;
    while (this.#bytes > MAX_LOG_BYTES || this.#lines.length > MAX_LINES)
      this.#bytes -= (this.#lines.shift()?.byteLength ?? 0) + 1;
  }
}

/**
 * Where the last lines of a chunk begin, as many as are kept: a process that floods its output with
 * short lines must not cost the loop a copy of each.
 */
function lastLinesStart(chunk: Uint8Array): number {
  let newline = chunk.length;
  for (let lines = 0; lines <= MAX_LINES; lines += 1) {
    if (newline === 0) return 0;
    newline = chunk.lastIndexOf(LF, newline - 1);
    if (newline < 0) return 0;
  }
  return newline + 1;
}

/** A copy of as much of a line as is kept, without a terminal's CR at its end. */
function lineOf(bytes: Uint8Array, from: number, to: number): Uint8Array {
  const end = to > from && bytes[to - 1] === CR ? to - 1 : to;
  return bytes.slice(from, Math.min(end, from + KEPT_LINE_BYTES));
}

/** The line that a stream is writing, of which only the beginning is kept. */
class PartialLine {
  readonly #buffer = new Uint8Array(KEPT_LINE_BYTES);
  length = 0;

  append(bytes: Uint8Array): void {
    const kept = bytes.subarray(0, KEPT_LINE_BYTES - this.length);
    this.#buffer.set(kept, this.length);
    this.length += kept.byteLength;
  }

  peek(): Uint8Array {
    return lineOf(this.#buffer, 0, this.length);
  }

  take(): Uint8Array {
    const line = this.peek();
    this.length = 0;
    return line;
  }
}
