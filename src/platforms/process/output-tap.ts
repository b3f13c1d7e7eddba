/** What a command writes, line by line, for whoever looks on: bounded, so that a flood costs nobody anything. */

import type { Sink } from "../run-command.ts";

export type WriteLine = (line: string) => void;

/** Nobody reads faster than that; what is above it in one second is left out, and counted. */
const MAX_BYTES_PER_SECOND = 1024 * 1024;
/** A longer one is broken. */
const MAX_LINE_CHARACTERS = 16 * 1024;

/** One stream of one process. */
export class OutputTap implements Sink {
  readonly #write: WriteLine;
  readonly #nowMs: () => number;
  readonly #decoder = new TextDecoder();
  #partial = "";
  #secondFromMs = Number.NEGATIVE_INFINITY;
  #bytes = 0;
  #leftOut = 0;

  /** @param nowMs a clock that never goes back */
  constructor(write: WriteLine, nowMs = () => performance.now()) {
    this.#write = write;
    this.#nowMs = nowMs;
  }

  push(chunk: Uint8Array): void {
    const nowMs = this.#nowMs();
    if (nowMs - this.#secondFromMs >= 1000) {
      this.#secondFromMs = nowMs;
      this.#bytes = 0;
      this.#tellLeftOut();
    }
    const room = MAX_BYTES_PER_SECOND - this.#bytes;
    const taken = chunk.subarray(0, Math.max(room, 0));
    this.#bytes += taken.byteLength;
    this.#leftOut += chunk.byteLength - taken.byteLength;
    if (taken.byteLength > 0) this.#split(this.#decoder.decode(taken, { stream: true }));
    if (this.#leftOut > 0) this.#endLine();
  }

  /** The stream is at its end: what stands behind its last newline is a line too. */
  end(): void {
    this.#partial += this.#decoder.decode();
    this.#endLine();
    this.#tellLeftOut();
  }

  #split(text: string): void {
    const lines = (this.#partial + text).split("\n");
    this.#partial = lines.pop() ?? "";
    for (const line of lines) this.#writeLine(line.endsWith("\r") ? line.slice(0, -1) : line);
    while (this.#partial.length > MAX_LINE_CHARACTERS) {
      this.#write(this.#partial.slice(0, MAX_LINE_CHARACTERS));
      this.#partial = this.#partial.slice(MAX_LINE_CHARACTERS);
    }
  }

  #writeLine(line: string): void {
    for (let from = 0; from === 0 || from < line.length; from += MAX_LINE_CHARACTERS)
      this.#write(line.slice(from, from + MAX_LINE_CHARACTERS));
  }

  #endLine(): void {
    if (this.#partial !== "") this.#writeLine(this.#partial);
    this.#partial = "";
  }

  #tellLeftOut(): void {
    if (this.#leftOut > 0)
      this.#write(`(${this.#leftOut} bytes left out: more than 1 MB came within a second)`);
    this.#leftOut = 0;
  }
}
