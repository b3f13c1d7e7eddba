/** Go's `printf`, as far as templates use it. */

import { formatE, formatF, formatG } from "../../text/go-number.ts";
import { TemplateError } from "./lexer.ts";
import { Int, printed, type Value } from "./values.ts";

const MAX_WIDTH = 1000;
const VERB = /%([-+# 0]*)(\*|\d+)?(?:\.(\*|\d+)?)?([a-zA-Z%])/gu;

/** What does not fit a verb is written as Go does, such as `%!d(string=a)`. */
export function sprintf(format: string, args: readonly Value[]): string {
  let next = 0;
  const text = format.replace(VERB, (whole, flags: string, width, precision, verb: string) => {
    if (verb === "%") return "%";
    if (width === "*" || precision === "*") throw new TemplateError("printf: * is not supported");
    if (Number(width ?? 0) > MAX_WIDTH || Number(precision ?? 0) > MAX_WIDTH)
      throw new TemplateError(`printf: a width above ${MAX_WIDTH}`);
    if (next >= args.length) return `%!${verb}(MISSING)`;
    const arg = args[next];
    next += 1;
    const hasPrecision = whole.includes(".");
    const digits = hasPrecision ? Number(precision ?? 0) : undefined;
    return padded(formatted(arg, { verb, flags, digits }), Number(width ?? 0), { flags, arg });
  });
  if (next >= args.length) return text;
  const extra = args.slice(next).map((arg) => `${typeName(arg)}=${printed(arg)}`);
  return `${text}%!(EXTRA ${extra.join(", ")})`;
}

interface Verb {
  readonly verb: string;
  readonly flags: string;
  readonly digits: number | undefined;
}

function formatted(arg: Value, { verb, flags, digits }: Verb): string {
  const bad = `%!${verb}(${typeName(arg)}=${printed(arg)})`;
  if (verb === "T") return typeName(arg);
  if (typeof arg === "number") {
    const text = floatText(arg, verb, digits);
    return text === undefined ? bad : signed(text, flags);
  }
  if (arg instanceof Int) {
    const text = intText(arg.value, verb);
    return text === undefined ? bad : signed(text, flags);
  }
  if (typeof arg === "boolean") return verb === "t" || verb === "v" ? `${arg}` : bad;
  if (arg === undefined) return verb === "v" ? "<nil>" : `%!${verb}(<nil>)`;
  const text = printed(arg);
  if (verb === "q") return JSON.stringify(text);
  if (verb !== "s" && verb !== "v") return bad;
  return digits === undefined ? text : [...text].slice(0, digits).join("");
}

function floatText(value: number, verb: string, digits: number | undefined): string | undefined {
  if (verb === "v" || verb === "g") return formatG(value, digits);
  if (verb === "f" || verb === "F") return formatF(value, digits);
  if (verb === "e") return formatE(value, digits);
  return undefined;
}

function intText(value: number, verb: string): string | undefined {
  if (verb === "v" || verb === "d") return `${value}`;
  if (verb === "x") return value.toString(16);
  if (verb === "X") return value.toString(16).toUpperCase();
  if (verb === "o") return value.toString(8);
  if (verb === "b") return value.toString(2);
  if (verb === "c") return String.fromCodePoint(Math.min(Math.max(value, 0), 0x10ffff));
  return undefined;
}

function signed(text: string, flags: string): string {
  const isUnsigned = !/^[-+]/.test(text);
  if (flags.includes("+") && isUnsigned) return `+${text}`;
  return flags.includes(" ") && isUnsigned ? ` ${text}` : text;
}

function padded(
  text: string,
  width: number,
  { flags, arg }: { readonly flags: string; readonly arg: Value },
): string {
  const missing = width - [...text].length;
  if (missing <= 0) return text;
  if (flags.includes("-")) return text + " ".repeat(missing);
  const isNumber = (typeof arg === "number" && Number.isFinite(arg)) || arg instanceof Int;
  if (!flags.includes("0") || !isNumber) return " ".repeat(missing) + text;
  const sign = /^[-+ ]/.exec(text)?.[0] ?? "";
  return sign + "0".repeat(missing) + text.slice(sign.length);
}

function typeName(value: Value): string {
  if (value === undefined) return "<nil>";
  if (typeof value === "number") return "float64";
  if (typeof value === "boolean") return "bool";
  if (value instanceof Int) return "int";
  return typeof value === "string" ? "string" : "value";
}
