/** What a JSON text would cost to parse, counted as it arrives: bytes alone say little of that. */

import {
  BACKSLASH,
  CLOSE_BRACE,
  CLOSE_BRACKET,
  COMMA,
  OPEN_BRACE,
  OPEN_BRACKET,
  QUOTE,
} from "../characters.ts";

export interface JsonBounds {
  readonly maxBytes: number;
  /** Objects in an array of an object of an object, where every list of Prometheus' API has its rows. */
  readonly maxRows: number;
  /** Objects, arrays and what stands between their commas. */
  readonly maxNodes: number;
  readonly maxDepth: number;
}

/** How deep a row is: `{"data":{"result":[{`. */
const ROW_DEPTH = 4;

/** Counts within a text of JSON, chunk by chunk; of what is no JSON it counts something, and no more than that. */
export class JsonCost {
  rows = 0;
  #bytes = 0;
  #nodes = 0;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;

  constructor(readonly bounds: JsonBounds) {}

  /** @returns which bound the text has passed, such as `more than 5 rows`; `undefined` if none */
  add(chunk: Uint8Array): string | undefined {
    const { maxBytes, maxRows, maxNodes, maxDepth } = this.bounds;
    this.#bytes += chunk.length;
    if (this.#bytes > maxBytes) return `more than ${maxBytes} bytes`;
    // By index: an iterator would take several times as long.
    for (let at = 0; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (this.#isInString) this.#readString(byte);
      else if (byte === QUOTE) this.#isInString = true;
      else if (byte === COMMA) this.#nodes += 1;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        this.#nodes += 1;
        this.#depth += 1;
        if (this.#depth === ROW_DEPTH && byte === OPEN_BRACE) this.rows += 1;
        if (this.#depth > maxDepth) return `lists within lists, ${maxDepth} deep and deeper`;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) this.#depth -= 1;
    }
    if (this.rows > maxRows) return `more than ${maxRows} rows`;
    if (this.#nodes > maxNodes) return `more than ${maxNodes} values`;
    return undefined;
  }

  #readString(byte: number): void {
    if (this.#isEscaped) this.#isEscaped = false;
    else if (byte === BACKSLASH) this.#isEscaped = true;
    else if (byte === QUOTE) this.#isInString = false;
  }
}
