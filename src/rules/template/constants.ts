/** Numbers and texts as Go's source has them. */

import { parseGoFloat } from "../../text/go-number.ts";
import { TemplateError } from "./lexer.ts";
import type { Operand } from "./tree.ts";

export function numberOf(text: string): Operand {
  const digits = text.replaceAll("_", "");
  // Nobody counts alerts in complex numbers: such a one is only what it looks like.
  if (text.endsWith("i")) return { kind: "string", value: `(0+${digits})` };
  const whole = /^([+-]?)(0[xX][\da-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9]\d*)$/.exec(digits);
  if (whole !== null) {
    const [, sign = "", magnitude = ""] = whole;
    const value = Number(/^0[0-7]/.test(magnitude) ? `0o${magnitude.slice(1)}` : magnitude);
    if (value < 2 ** 63) return { kind: "int", value: sign === "-" ? -value : value };
  }
  const value = parseGoFloat(digits);
  if (value === undefined || !/[.eEpP]/.test(digits))
    throw new TemplateError(`bad number syntax: ${text}`);
  return { kind: "float", value };
}

const ESCAPES: Readonly<Record<string, string>> = {
  ...{
    a: "\x07",
    b: "\b",
    f: "\f",
    n: "\n",
    r: "\r",
    t: "\t",
    v: "\v",
    "\\": "\\",
    '"': '"',
    "'": "'",
  },
};
const ESCAPE = /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{3})|([^]))/g;

export function unquote(text: string): string {
  const inner = text.slice(1, -1);
  if (text.startsWith("`")) return inner;
  return inner.replace(ESCAPE, (_, x, u, long, octal, char: string) => {
    const code =
      octal === undefined ? Number.parseInt(x ?? u ?? long ?? "", 16) : Number.parseInt(octal, 8);
    if (code <= 0x10ffff) return String.fromCodePoint(code);
    const known = ESCAPES[char];
    const isOther = known === undefined || char === (text.startsWith('"') ? "'" : '"');
    if (isOther) throw new TemplateError(`invalid syntax in ${text}`);
    return known;
  });
}

export function charOf(text: string): number {
  const value = unquote(text);
  const code = value.codePointAt(0);
  if (code === undefined || [...value].length !== 1)
    throw new TemplateError(`malformed character constant: ${text}`);
  return code;
}
