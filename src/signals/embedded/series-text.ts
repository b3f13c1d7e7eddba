/** The part of an exposition's line before its value: a metric name and labels, as text. */

import type { Labels } from "../../core/model.ts";
import { BACKSLASH, isNameChar, NEWLINE, QUOTE, SPACE, TAB } from "../characters.ts";

/** The labels, or why the text is not a series: one clause for people. */
type SeriesText =
  | { readonly kind: "series"; readonly labels: Labels }
  | { readonly kind: "bad"; readonly reason: string };

const METRIC_NAME = /^[a-zA-Z_:]/;
const LABEL_NAME = /^[a-zA-Z_][^:]*$/;
const ESCAPE = /\\([\\"n])/g;

/**
 * Reads `name{label="value",...}`; the name may stand in quotes as the first thing in the braces.
 *
 * Labels with an empty value are left out, since they mean the same as none. In a value `\\`, `\"` and
 * `\n` are escapes; any other backslash is itself, as in Prometheus.
 *
 * @returns labels with `__name__`, without a prototype: any name may be looked up in them
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
export function parseSeriesText(text: string): SeriesText {
  const labels: Record<string, string> = Object.create(null);
  const cursor = new Cursor(text);
  const metric = cursor.takeName();
  if (metric !== "") {
    if (!METRIC_NAME.test(metric)) return bad("a metric name cannot start with a digit");
    labels["__name__"] = metric;
  }
  cursor.skipBlanks();
  if (cursor.takeChar("{")) {
    const reason = readBraces(cursor, labels);
    if (reason !== undefined) return bad(reason);
  }
  if (!cursor.ended) return bad(metric === "" ? "no metric name" : "characters after the series");
  for (const name in labels) if (labels[name] === "") delete labels[name];
  if (labels["__name__"] === undefined) return bad("no metric name");
  return { kind: "series", labels };
}

/** @returns what is wrong, if anything is */
function readBraces(cursor: Cursor, labels: Record<string, string>): string | undefined {
  cursor.skipBlanks();
  while (!cursor.takeChar("}")) {
    const quoted = cursor.startsWith('"');
    const name = quoted ? cursor.takeQuoted() : cursor.takeName();
    if (name === undefined) return "a quoted name without an end";
    if (quoted ? name === "" : !LABEL_NAME.test(name)) return "a label without a valid name";
    cursor.skipBlanks();
    const reason = cursor.takeChar("=")
      ? readValue(cursor, labels, name)
      : setName(labels, name, quoted);
    if (reason !== undefined) return reason;
    cursor.skipBlanks();
    if (cursor.takeChar(",")) cursor.skipBlanks();
    else if (!cursor.startsWith("}")) return "no comma or closing brace after a label";
  }
  return undefined;
}

function readValue(
  cursor: Cursor,
  labels: Record<string, string>,
  name: string,
): string | undefined {
  cursor.skipBlanks();
  const value = cursor.takeQuoted();
  if (value === undefined) return "a label value without its quotes";
  if (name in labels) return "a label twice";
  labels[name] = value;
  return undefined;
}

/** Only a quoted name may stand alone in the braces: it is the metric's. */
function setName(
  labels: Record<string, string>,
  name: string,
  quoted: boolean,
): string | undefined {
  if (!quoted) return "a label without =";
  if ("__name__" in labels) return "two metric names";
  labels["__name__"] = name;
  return undefined;
}

function bad(reason: string): SeriesText {
  return { kind: "bad", reason };
}

/** Characters are read by number: a text as long as a body must not exhaust a regular expression. */
class Cursor {
  #at = 0;

  constructor(readonly text: string) {}

  get ended(): boolean {
    return this.#at === this.text.length;
  }

  startsWith(char: string): boolean {
    return this.text.startsWith(char, this.#at);
  }

  takeChar(char: string): boolean {
    if (!this.startsWith(char)) return false;
    this.#at += 1;
    return true;
  }

  skipBlanks(): void {
    for (let char = this.#char(); char === SPACE || char === TAB; char = this.#char())
      this.#at += 1;
  }

  /** Letters, digits, underscores and colons; which of them may stand in it, its use says. */
  takeName(): string {
    const start = this.#at;
    while (isNameChar(this.#char())) this.#at += 1;
    return this.text.slice(start, this.#at);
  }

  /** A text without its quotes and escapes; `undefined` if it does not start here or end on this line. */
  takeQuoted(): string | undefined {
    if (!this.takeChar('"')) return undefined;
    const start = this.#at;
    let escaped = false;
    for (let char = this.#char(); char !== QUOTE; char = this.#char()) {
      if (char === BACKSLASH) {
        escaped = true;
        this.#at += 1;
      }
      if (this.#at >= this.text.length || this.#char() === NEWLINE) return undefined;
      this.#at += 1;
    }
    const inner = this.text.slice(start, this.#at);
    this.#at += 1;
    return escaped
      ? inner.replace(ESCAPE, (_, char: string) => (char === "n" ? "\n" : char))
      : inner;
  }

  /** The character here; NaN at the end. */
  #char(): number {
    return this.text.charCodeAt(this.#at);
  }
}
