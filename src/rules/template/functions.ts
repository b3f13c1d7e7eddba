/** The functions of templates: Go's own, and those of Prometheus. */

import { parseDuration } from "../../core/duration.ts";
import { findsPattern, replacePattern } from "../../promql/pattern-text.ts";
import { parseGoFloat } from "../../text/go-number.ts";
import type { FunctionName } from "./function-names.ts";
import {
  humanize,
  humanize1024,
  humanizeDuration,
  humanizePercentage,
  humanizeTimestamp,
  timeOf,
} from "./humanize.ts";
import { TemplateError } from "./lexer.ts";
import { sprintf } from "./printf.ts";
import {
  ArgMap,
  fieldOf,
  Int,
  isTruthy,
  printed,
  QuerySample,
  TextMap,
  Time,
  UNKNOWN_VALUE,
  type Value,
} from "./values.ts";

/** What of the outside templates may ask. */
export interface Outside {
  query(expr: string): readonly QuerySample[];
}

type TemplateFunction = (args: readonly Value[], outside: Outside) => Value;

/** `and` and `or` are not here, as they do not evaluate all of their arguments. */
export const FUNCTIONS = {
  args: (args) => new ArgMap(new Map(args.map((arg, index) => [`arg${index}`, arg]))),
  call: () => fail("call needs a function"),
  eq: ([first, ...others]) => {
    if (others.length === 0) return fail("eq: missing argument for comparison");
    return others.some((other) => isEqual(first, other));
  },
  externalURL: () => "",
  first: ([vector]) => {
    const [sample] = samplesOf(vector);
    return sample ?? fail("first() called on vector with no elements");
  },
  ge: ([a, b]) => !isLess(a, b),
  graphLink: ([expr]) => link(expr, 0),
  gt: ([a, b]) => !isLess(a, b) && !isEqual(a, b),
  html: (args) => escapeHtml(args.map(printed).join("")),
  humanize: ([value]) => numeric(value, humanize),
  humanize1024: ([value]) => numeric(value, humanize1024),
  humanizeDuration: ([value]) => numeric(value, humanizeDuration),
  humanizePercentage: ([value]) => numeric(value, humanizePercentage),
  humanizeTimestamp: ([value]) => numeric(value, humanizeTimestamp),
  index: ([value, ...keys]) => keys.reduce(indexed, value),
  js: (args) => escapeJs(args.map(printed).join("")),
  label: ([name, sample]) => fieldOf(new TextMap(sampleOf(sample).labels), textOf(name)),
  le: ([a, b]) => isLess(a, b) || isEqual(a, b),
  len: ([value]) => new Int(lengthOf(value)),
  lt: ([a, b]) => isLess(a, b),
  match: ([pattern, text]) => findsPattern(textOf(pattern), textOf(text)),
  ne: ([a, b]) => !isEqual(a, b),
  not: ([value]) => !isTruthy(value),
  parseDuration: ([text]) => parseDuration(textOf(text), "parseDuration") / 1000,
  pathPrefix: () => "",
  print: (args) => joined(args),
  printf: ([format, ...args]) => sprintf(textOf(format), args),
  println: (args) => `${args.map(argument).join(" ")}\n`,
  query: ([expr], outside) => outside.query(textOf(expr)),
  reReplaceAll: ([pattern, replacement, text]) =>
    replacePattern(textOf(pattern), textOf(replacement), textOf(text)),
  safeHtml: ([text]) => textOf(text),
  slice: ([text, from, to]) => {
    const whole = textOf(text);
    return whole.slice(
      from instanceof Int ? from.value : 0,
      to instanceof Int ? to.value : undefined,
    );
  },
  sortByLabel: ([name, vector]) => {
    const key = textOf(name);
    const of = ({ labels }: QuerySample) => labels[key] ?? "";
    return samplesOf(vector).toSorted((a, b) => (of(a) < of(b) ? -1 : of(a) > of(b) ? 1 : 0));
  },
  stripDomain: ([text]) => stripDomain(textOf(text)),
  stripPort: ([text]) => hostAndPort(textOf(text)).host,
  strvalue: ([sample]) => sampleOf(sample).labels["__value__"] ?? "",
  tableLink: ([expr]) => link(expr, 1),
  title: ([text]) =>
    textOf(text).replace(
      /(^|[^\p{L}\p{Nd}_'])(\p{L})/gu,
      (_, before, letter) => before + letter.toUpperCase(),
    ),
  toLower: ([text]) => textOf(text).toLowerCase(),
  toTime: ([value]) => new Time(timeOf(numberOf(value))),
  toUpper: ([text]) => textOf(text).toUpperCase(),
  urlquery: (args) => queryEscape(args.map(printed).join("")),
  value: ([sample]) => sampleOf(sample).value,
} as const satisfies Record<Exclude<FunctionName, "and" | "or">, TemplateFunction>;

/** How many arguments Go takes; of those that are not here any number. */
export const ARITY: Readonly<Record<string, number>> = {
  ...{ first: 1, humanize: 1, humanize1024: 1, humanizeDuration: 1, humanizePercentage: 1 },
  ...{ humanizeTimestamp: 1, len: 1, not: 1, parseDuration: 1, query: 1, safeHtml: 1, value: 1 },
  ...{ stripDomain: 1, stripPort: 1, strvalue: 1, title: 1, toLower: 1, toTime: 1, toUpper: 1 },
  ...{ graphLink: 1, tableLink: 1, label: 2, match: 2, sortByLabel: 2, lt: 2, le: 2, gt: 2, ge: 2 },
  ...{ ne: 2, reReplaceAll: 3, externalURL: 0, pathPrefix: 0 },
};

function fail(message: string): never {
  throw new TemplateError(message);
}

function textOf(value: Value): string {
  return typeof value === "string" ? value : fail(`${printed(value)} is no string`);
}

function numberOf(value: Value): number {
  if (typeof value === "number") return value;
  if (value instanceof Int) return value.value;
  const read = typeof value === "string" ? parseGoFloat(value) : undefined;
  return read ?? fail(`can't convert ${printed(value)} to float`);
}

/** What was not measured stays the words that say so. */
function numeric(value: Value, write: (value: number) => string): string {
  return value === UNKNOWN_VALUE ? UNKNOWN_VALUE : write(numberOf(value));
}

function sampleOf(value: Value): QuerySample {
  return value instanceof QuerySample ? value : fail(`${printed(value)} is no sample of a query`);
}

function samplesOf(value: Value): readonly QuerySample[] {
  return Array.isArray(value) ? value : fail(`${printed(value)} is no result of a query`);
}

function isEqual(a: Value, b: Value): boolean {
  if (a instanceof Int && b instanceof Int) return a.value === b.value;
  if (typeof a !== typeof b || typeof a === "object")
    return a === undefined || b === undefined ? a === b : fail("incompatible types for comparison");
  return a === b;
}

function isLess(a: Value, b: Value): boolean {
  if (a instanceof Int && b instanceof Int) return a.value < b.value;
  if (typeof a === "number" && typeof b === "number") return a < b;
  if (typeof a === "string" && typeof b === "string") return a < b;
  return fail("incompatible types for comparison");
}

function indexed(value: Value, key: Value): Value {
  if (!Array.isArray(value)) return fieldOf(value, textOf(key));
  const at = key instanceof Int ? key.value : fail("cannot index a list by that");
  const found: Value = value[at];
  return found ?? fail(`index out of range: ${at}`);
}

function lengthOf(value: Value): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (value instanceof TextMap) return Object.keys(value.texts).length;
  return value instanceof ArgMap ? value.args.size : fail(`len of ${printed(value)}`);
}

/** As Go's `Sprint`: with blanks between two that are no texts. */
function joined(args: readonly Value[]): string {
  return args.reduce<string>((text, arg, index) => {
    const before = args[index - 1];
    const isApart = index > 0 && typeof arg !== "string" && typeof before !== "string";
    return text + (isApart ? " " : "") + argument(arg);
  }, "");
}

/** Nothing is told in another way than where a template prints it. */
function argument(value: Value): string {
  return value === undefined ? "<nil>" : printed(value);
}

function escapeJs(text: string): string {
  const quoted = JSON.stringify(text).slice(1, -1).replaceAll("'", "\\'");
  return quoted.replaceAll(
    /[<>&=]/g,
    (char) => `\\u00${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function escapeHtml(text: string): string {
  const names: Readonly<Record<string, string>> = {
    ...{ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&#34;", "'": "&#39;" },
  };
  return text.replaceAll(/[&<>"']/g, (char) => names[char] ?? char);
}

function queryEscape(text: string): string {
  return encodeURIComponent(text)
    .replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll("%20", "+");
}

function link(expr: Value, tab: number): string {
  return `/graph?g0.expr=${queryEscape(textOf(expr))}&g0.tab=${tab}`;
}

function hostAndPort(text: string): { readonly host: string; readonly port: string } {
  const [, inBrackets, name, port = ""] = /^(?:\[([^\][]*)\]|([^:\][]*)):([^:]*)$/.exec(text) ?? [];
  const host = inBrackets ?? name;
  return host === undefined ? { host: text, port: "" } : { host, port };
}

function stripDomain(text: string): string {
  const { host, port } = hostAndPort(text);
  const isAddress = host.includes(":") || /^\d+\.\d+\.\d+\.\d+$/.test(host);
  if (isAddress) return text;
  const short = host.split(".", 1)[0] ?? host;
  return port === "" ? short : `${short}:${port}`;
}
