/** What a JSON text would cost to parse, counted as it arrives: bytes alone say little of that. */

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

export interface JsonBounds {
  readonly maxBytes: number;
  /** Objects in an array of an object of an object, where every list of Prometheus' API has its rows. */
  readonly maxRows?: number;
  /** Objects, arrays and what stands between their commas. */
  readonly maxNodes: number;
  /** Different names of members: each costs as much as many values. */
  readonly maxNames: number;
  readonly maxDepth: number;
}

/** How deep a row is: `{"data":{"result":[{`. */
const ROW_DEPTH = 4;

/** Counts within a text of JSON, chunk by chunk; for other text its count means nothing. */
export class JsonCost {
  rows = 0;
  #bytes = 0;
  #nodes = 0;
  #depth = 0;
  #isInString = false;
  #isEscaped = false;
  /** The hash of the string that was read last, or is being read. */
  #hash = 0;
  readonly #names = new Set<number>();

  constructor(readonly bounds: JsonBounds) {}

  /** @returns which bound the text has passed, such as `more than 5 rows`; `undefined` if none */
  add(chunk: Uint8Array): string | undefined {
    const { maxBytes, maxRows = Infinity, maxNodes, maxNames, maxDepth } = this.bounds;
    this.#bytes += chunk.length;
    if (this.#bytes > maxBytes) return `more than ${maxBytes} bytes`;
    // By index and in variables: an iterator or fields would take several times as long.
    let depth = this.#depth;
    let at = 0;
    while (at < chunk.length) {
      if (this.#isInString) {
        at = this.#readString(chunk, at);
        continue;
      }
      const byte = chunk[at];
      at += 1;
      if (byte === QUOTE) {
        this.#isInString = true;
        this.#hash = 0;
      } else if (byte === COLON) {
        this.#names.add(this.#hash);
        if (this.#names.size > maxNames) return `more than ${maxNames} different names`;
      } else if (byte === COMMA) this.#nodes += 1;
      else if (byte === OPEN_BRACE || byte === OPEN_BRACKET) {
        this.#nodes += 1;
        depth += 1;
        if (depth === ROW_DEPTH && byte === OPEN_BRACE) this.rows += 1;
        if (depth > maxDepth) return `lists within lists, ${maxDepth} deep and deeper`;
      } else if (byte === CLOSE_BRACE || byte === CLOSE_BRACKET) depth -= 1;
    }
    this.#depth = depth;
    if (this.rows > maxRows) return `more than ${maxRows} rows`;
    if (this.#nodes > maxNodes) return `more than ${maxNodes} values`;
    return undefined;
  }

  /** @returns where the text goes on behind the string, or the end of the chunk */
  #readString(chunk: Uint8Array, from: number): number {
    let isEscaped = this.#isEscaped;
    let hash = this.#hash;
    let at = from;
    let isEnded = false;
    while (at < chunk.length && !isEnded) {
      const byte = chunk[at] ?? 0;
      at += 1;
      isEnded = byte === QUOTE && !isEscaped;
      isEscaped = byte === BACKSLASH && !isEscaped;
      // Two names of one hash count as one, which is near enough.
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    this.#isInString = !isEnded;
    this.#isEscaped = isEscaped;
    this.#hash = hash;
    return at;
  }
}
