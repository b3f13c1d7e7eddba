/** What stands in an expression as one token: numbers, durations, strings. */

import { parseDuration } from "../core/duration.ts";

const DURATION_PATTERN = /^(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$/;

/** About 292 years, the longest duration that Go can hold. */
const MAX_DURATION_MS = Math.floor(2 ** 63 / 1e6);

/**
 * A number without a sign, as Go reads it: a leading zero makes it octal, where all digits are. A
 * duration is its seconds.
 *
 * @returns `undefined` if the text is none
 */
export function parseNumber(text: string): number | undefined {
  const lower = text.toLowerCase();
  if (lower === "inf") return Number.POSITIVE_INFINITY;
  if (lower === "nan") return Number.NaN;
  if (lower.startsWith("0x")) return finite(Number(lower));
  if (DURATION_PATTERN.test(text)) {
    const durationMs = parseDuration(text, "duration");
    return durationMs > MAX_DURATION_MS ? undefined : durationMs / 1000;
  }
  const digits = lower.replaceAll("_", "");
  if (/^0[0-7]+$/.test(digits)) return Number.parseInt(digits, 8);
  return finite(Number(digits));
}

/** A literal beyond the largest number is an error, not infinite. */
function finite(value: number): number | undefined {
  return Number.isFinite(value) ? value : undefined;
}

const ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 92,
  "'": 39,
  '"': 34,
};

/** How an escape writes a number: a byte in octal or hexadecimal, or a character's code point. */
const NUMERIC_ESCAPE = /^(?:([0-7]{3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/;

/**
 * The text that a string literal stands for. Escapes are Go's, but for single quotes, too; between
 * backticks there are none.
 *
 * @returns what is wrong instead, for a message
 * @see https://prometheus.io/docs/prometheus/latest/querying/basics/#string-literals
 */
export function unquote(literal: string): { readonly text: string } | { readonly problem: string } {
  const quote = literal.charAt(0);
  if (literal.length < 2 || !literal.endsWith(quote)) return { problem: "unterminated string" };
  const body = literal.slice(1, -1);
  if (quote === "`" || !body.includes("\\")) return { text: body };

  // Escapes write bytes, so the text is put together as bytes.
  const encoder = new TextEncoder();
  const bytes: number[] = [];
  let rest = body;
  while (rest !== "") {
    const slash = rest.indexOf("\\");
    bytes.push(...encoder.encode(slash < 0 ? rest : rest.slice(0, slash)));
    if (slash < 0) break;
    rest = rest.slice(slash + 1);
    const escape = readEscape(rest, quote, encoder);
    if (escape === undefined) return { problem: `unknown escape sequence \\${rest.charAt(0)}` };
    bytes.push(...escape.bytes);
    rest = rest.slice(escape.length);
  }
  try {
    return {
      text: new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(
        Uint8Array.from(bytes),
      ),
    };
  } catch (error) {
    if (error instanceof TypeError) return { problem: "its bytes are not UTF-8" };
    throw error;
  }
}

/** What stands after a backslash: its bytes, and how many characters it takes. */
function readEscape(
  rest: string,
  quote: string,
  encoder: TextEncoder,
): { readonly bytes: Iterable<number>; readonly length: number } | undefined {
  const first = rest.charAt(0);
  const simple = ESCAPES[first];
  if (simple !== undefined) {
    // The other kind of quote needs no escape, and Go allows none.
    if ((first === "'" || first === '"') && first !== quote) return undefined;
    return { bytes: [simple], length: 1 };
  }
  const match = NUMERIC_ESCAPE.exec(rest);
  if (match === null) return undefined;
  const [all, octal, hex, short, long] = match;
  const byte = octal === undefined ? hex : Number.parseInt(octal, 8).toString(16);
  if (byte !== undefined) {
    const value = Number.parseInt(byte, 16);
    return value > 255 ? undefined : { bytes: [value], length: all.length };
  }
  const point = Number.parseInt(short ?? long ?? "", 16);
  const isSurrogate = point >= 0xd800 && point <= 0xdfff;
  if (isSurrogate || point > 0x10ffff) return undefined;
  return { bytes: encoder.encode(String.fromCodePoint(point)), length: all.length };
}
