/**
 * Untrusted text as one bounded line: control, format and line-separating characters and lone
 * surrogates become visible escapes, so that it can't move a terminal's cursor, end a line or
 * reverse what is read.
 *
 * @param maxLength in UTF-16 units, the cut mark `…` included
 */
export function printable(text: string, maxLength: number): string {
  const line = text
    .slice(0, maxLength + 1)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (char) => ESCAPES[char] ?? codePoint(char));
  if (line.length <= maxLength) return line;
  // Not through the middle of a surrogate pair.
  return `${line.slice(0, maxLength - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}

const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": " " };

function codePoint(char: string): string {
  return `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
}
