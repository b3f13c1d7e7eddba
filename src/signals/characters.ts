/** Characters by number, for reading text without making strings of it. */

export const TAB = 9;
export const NEWLINE = 10;
export const RETURN = 13;
export const SPACE = 32;
export const QUOTE = 34;
export const HASH = 35;
export const DOT = 46;
export const ZERO = 48;
export const BACKSLASH = 92;
export const OPEN_BRACE = 123;
export const CLOSE_BRACE = 125;

const NINE = 57;
const COLON = 58;
const UPPER_A = 65;
const UPPER_Z = 90;
const UNDERSCORE = 95;
const LOWER_A = 97;
const LOWER_Z = 122;

export function isDigit(char: number): boolean {
  return char >= ZERO && char <= NINE;
}

/** Letters, digits, underscores and colons, as in a metric name. */
export function isNameChar(char: number): boolean {
  return (
    (char >= LOWER_A && char <= LOWER_Z) ||
    char === UNDERSCORE ||
    (char >= UPPER_A && char <= UPPER_Z) ||
    (char >= ZERO && char <= COLON)
  );
}
