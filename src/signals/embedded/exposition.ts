/**
 * Prometheus' text format, read many times from one target.
 *
 * Most lines of a scrape are those of the scrape before with other values. So each series' text is
 * parsed once and kept, and each line knows which one followed it last time: a line that is still
 * in its place costs one comparison and the reading of a number.
 */

import { printable } from "../../text/printable.ts";
import type { Labels } from "../../core/model.ts";
import {
  BACKSLASH,
  CLOSE_BRACE,
  DOT,
  HASH,
  isDigit,
  NEWLINE,
  OPEN_BRACE,
  QUOTE,
  RETURN,
  SPACE,
  TAB,
  ZERO,
} from "../characters.ts";
import { type BoundLabel, boundLabelOf } from "./bound-label.ts";
import { type KnownSeries, SeriesCache } from "./series-cache.ts";
import { Turns } from "../turns.ts";

interface BadLine {
  /** The number of the line, from 1. */
  readonly lineNumber: number;
  readonly reason: string;
  /** The start of the line, printable and bounded. */
  readonly excerpt: string;
}

/** What one exposition held, in its order; sample `i` is `values[i]` of `series[i]`. */
export interface Exposition<T> {
  readonly series: readonly T[];
  readonly values: readonly number[];
  /** By sample; only those that came with a time of their own. */
  readonly timestampsMs: ReadonlyMap<number, number>;
  /** The first few of the bad lines. */
  readonly badLines: readonly BadLine[];
  readonly badLineCount: number;
  /** There were more samples than allowed: the rest was not read. */
  readonly overLimit: boolean;
}

interface ReadOptions {
  readonly maxSamples?: number;
  /** OpenMetrics gives times in seconds, the text format in milliseconds. */
  readonly timestampUnitMs?: 1 | 1000;
}

interface ExpositionReader<T> {
  /**
   * Never throws: a bad line is noted, and the next one is read. What OpenMetrics adds (`# EOF`,
   * exemplars) is skipped. A series that this text lacks is forgotten.
   */
  read(text: string, options?: ReadOptions): Exposition<T>;
  /** As `read`, in turns: 20,000 series that are new take several of them. Not to be called meanwhile. */
  readInTurns(text: string, options?: ReadOptions): Promise<Exposition<T>>;
}

/**
 * @param open makes what the caller keeps of a series; called when a series' text is new. Two texts
 *   may mean one series: `a{b="1",c="2"}` and `a{c="2",b="1"}`.
 */
export function createExpositionReader<T>(open: (labels: Labels) => T): ExpositionReader<T> {
  return new Reader(open);
}

/** Lines that are read before other work gets its turn. */
const LINES_A_TURN = 256;
const CHARACTERS_BETWEEN_LOOKS = 64 * 1024;

const MAX_NOTED_LINES = 10;
const EXCERPT_LENGTH = 80;

/** A whole number of up to 15 digits is exact, and so are these powers: one division rounds right. */
const MAX_EXACT_DIGITS = 15;
const POWERS_OF_TEN = Array.from({ length: MAX_EXACT_DIGITS + 1 }, (_, power) => 10 ** power);

/** The word after the hash of a comment that says a type. */
const TYPE = "TYPE";

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;
const NOT_A_NUMBER = /^[+-]?nan$/i;
/** What follows a series: value, time, and an exemplar that is skipped. */
const AFTER_SERIES = /^[ \t]*([^ \t#]+)(?:[ \t]+([^ \t#]+))?[ \t]*(?:#.*)?$/;

class Reader<T> implements ExpositionReader<T> {
  readonly #cache: SeriesCache<T>;

  constructor(open: (labels: Labels) => T) {
    this.#cache = new SeriesCache(open);
  }

  read(text: string, options: ReadOptions = {}): Exposition<T> {
    const reading = this.#begin(text, options);
    while (!reading.ended) reading.readLine();
    return this.#end(reading);
  }

  async readInTurns(text: string, options: ReadOptions = {}): Promise<Exposition<T>> {
    const reading = this.#begin(text, options);
    const turns = new Turns();
    while (!reading.ended) {
      const fromAt = reading.at;
      for (let line = 0; line < LINES_A_TURN && !reading.ended; line += 1) {
        reading.readLine();
        if (reading.at - fromAt > CHARACTERS_BETWEEN_LOOKS) break;
      }
      await turns.pause();
    }
    return this.#end(reading);
  }

  #begin(text: string, options: ReadOptions): Reading<T> {
    this.#cache.begin();
    return new Reading(text, this.#cache, options);
  }

  #end(reading: Reading<T>): Exposition<T> {
    this.#cache.end();
    const { series, values, timestampsMs, badLines, badLineCount, overLimit } = reading;
    return { series, values, timestampsMs, badLines, badLineCount, overLimit };
  }
}

/** One pass over one text. */
class Reading<T> {
  readonly series: T[] = [];
  readonly values: number[] = [];
  readonly timestampsMs = new Map<number, number>();
  readonly badLines: BadLine[] = [];
  badLineCount = 0;
  overLimit = false;
  readonly #maxSamples: number;
  readonly #timestampUnitMs: number;
  /** How many lines end before a place in the text. */
  readonly #counted = { at: 0, lines: 0 };
  /** Where the line starts, until the whole of it is read. */
  #at = 0;
  /** Where the last comment with a type starts: it holds for all that follows, as in Prometheus. */
  #typeAt = -1;

  constructor(
    readonly text: string,
    readonly cache: SeriesCache<T>,
    { maxSamples = Number.POSITIVE_INFINITY, timestampUnitMs = 1 }: ReadOptions,
  ) {
    this.#maxSamples = maxSamples;
    this.#timestampUnitMs = timestampUnitMs;
  }

  /** Where the next line begins. */
  get at(): number {
    return this.#at;
  }

  get ended(): boolean {
    return this.overLimit || this.#at >= this.text.length;
  }

  readLine(): void {
    const { text, cache } = this;
    const first = text.charCodeAt(this.#at);
    if (first === HASH) return this.#readComment();
    if (first === NEWLINE) return this.#skipLine();
    const expected = cache.expected();
    if (expected !== undefined && startsWithSeries(text, expected.text, this.#at))
      return this.#readValue(expected, this.#at + expected.text.length);

    const start = skipBlanks(text, this.#at);
    if (isEmpty(text.charCodeAt(start))) return this.#skipLine();
    const end = endOfSeries(text, start);
    const found = cache.find(text.slice(start, end), this.#boundLabel);
    if (typeof found === "string") return this.#refuseLine(found);
    this.#readValue(found, end);
  }

  /** The common value is digits with at most one dot: read here, without making a string of it. */
  #readValue(known: KnownSeries<T>, valueAt: number): void {
    const { text } = this;
    this.cache.advance(known);
    let value = 0;
    let at = valueAt + 1;
    let char = text.charCodeAt(at);
    for (; isDigit(char); char = text.charCodeAt(++at)) value = value * 10 + (char - ZERO);
    let digits = at - valueAt - 1;
    let decimals = 0;
    if (char === DOT) {
      const start = ++at;
      char = text.charCodeAt(at);
      for (; isDigit(char); char = text.charCodeAt(++at)) value = value * 10 + (char - ZERO);
      decimals = at - start;
      digits += decimals;
    }
    const isWhole = char === NEWLINE && text.charCodeAt(valueAt) === SPACE;
    if (!isWhole || digits === 0 || digits > MAX_EXACT_DIGITS)
      return this.#readRest(known, valueAt);
    this.#at = at + 1;
    this.#add(known, decimals === 0 ? value : value / (POWERS_OF_TEN[decimals] ?? 1));
  }

  /** Any value, with or without a time. */
  #readRest(known: KnownSeries<T>, valueAt: number): void {
    const end = endOfLine(this.text, valueAt);
    const rest = parseRest(this.text.slice(valueAt, end), this.#timestampUnitMs);
    if (typeof rest === "string") return this.#refuseLine(rest);
    this.#at = end + 1;
    if (rest.timestampMs !== undefined) this.timestampsMs.set(this.values.length, rest.timestampMs);
    this.#add(known, rest.value);
  }

  #add({ series }: KnownSeries<T>, value: number): void {
    this.overLimit = this.values.length >= this.#maxSamples;
    if (this.overLimit) return;
    this.series.push(series);
    this.values.push(value);
  }

  /** Counts on from the bad line before, as the text may be long and its bad lines many. */
  #lineNumberAt(start: number): number {
    const { text } = this;
    const counted = this.#counted;
    for (let at = counted.at; at < start;) {
      at = endOfLine(text, at) + 1;
      counted.lines += 1;
    }
    counted.at = start;
    return counted.lines + 1;
  }

  #readComment(): void {
    if (this.text.startsWith(TYPE, skipBlanks(this.text, this.#at + 1))) this.#typeAt = this.#at;
    this.#skipLine();
  }

  #boundLabel = (): BoundLabel | undefined => {
    if (this.#typeAt < 0) return undefined;
    return boundLabelOf(this.text.slice(this.#typeAt, endOfLine(this.text, this.#typeAt)));
  };

  #skipLine(): void {
    this.#at = endOfLine(this.text, this.#at) + 1;
  }

  #refuseLine(reason: string): void {
    const start = this.#at;
    this.#skipLine();
    this.badLineCount += 1;
    if (this.badLines.length >= MAX_NOTED_LINES) return;
    const end = Math.min(this.#at - 1, start + EXCERPT_LENGTH + 1);
    this.badLines.push({
      lineNumber: this.#lineNumberAt(start),
      reason,
      excerpt: printable(this.text.slice(start, end).replace(/\r$/, ""), EXCERPT_LENGTH),
    });
  }
}

/** Whether the line is about this series: `a` is another one than `a {b="c"}`, which may have a blank there. */
function startsWithSeries(text: string, series: string, at: number): boolean {
  return (
    text.startsWith(series, at) &&
    text.charCodeAt(at + series.length) === SPACE &&
    text.charCodeAt(at + series.length + 1) > SPACE &&
    text.charCodeAt(at + series.length + 1) !== OPEN_BRACE
  );
}

/** The place behind the closing brace, if there are braces; one in quotes does not count. */
function endOfSeries(text: string, start: number): number {
  let at = start;
  for (let char = text.charCodeAt(at); !endsName(char); char = text.charCodeAt(at)) at += 1;
  const brace = skipBlanks(text, at);
  if (text.charCodeAt(brace) !== OPEN_BRACE) return at;
  let quoted = false;
  for (at = brace + 1; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === NEWLINE) return at;
    if (quoted && char === BACKSLASH) at += text.charCodeAt(at + 1) === NEWLINE ? 0 : 1;
    else if (char === QUOTE) quoted = !quoted;
    else if (char === CLOSE_BRACE && !quoted) return at + 1;
  }
  return text.length;
}

/** Whether a line that starts so, blanks aside, has nothing to read. NaN is past the end. */
function isEmpty(char: number): boolean {
  return char === HASH || char === NEWLINE || char === RETURN || Number.isNaN(char);
}

function endsName(char: number): boolean {
  return char <= SPACE || char === OPEN_BRACE || Number.isNaN(char);
}

function skipBlanks(text: string, start: number): number {
  let at = start;
  for (let char = text.charCodeAt(at); char === SPACE || char === TAB; char = text.charCodeAt(at))
    at += 1;
  return at;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf("\n", from);
  return end === -1 ? text.length : end;
}

/** @returns what is wrong with it, if anything is */
function parseRest(
  text: string,
  timestampUnitMs: number,
): { readonly value: number; readonly timestampMs: number | undefined } | string {
  const line = text.endsWith("\r") ? text.slice(0, -1) : text;
  const [, valueText, timeText] = AFTER_SERIES.exec(line) ?? [];
  if (valueText === undefined) return line.trim() === "" ? "no value" : "more than value and time";
  const value = parseValue(valueText);
  if (value === undefined) return "a value that is no number";
  if (timeText === undefined) return { value, timestampMs: undefined };
  const isTime = timestampUnitMs === 1 ? /^-?\d{1,16}$/ : NUMBER;
  if (!isTime.test(timeText)) return "a time that is no number of its unit";
  return { value, timestampMs: Math.round(Number(timeText) * timestampUnitMs) };
}

/**
 * A value as Go reads a float, since Prometheus does so: no hexadecimal, no blanks, no overflow.
 *
 * @returns `undefined` if it is none
 */
function parseValue(text: string): number | undefined {
  if (NUMBER.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  if (NOT_A_NUMBER.test(text)) return Number.NaN;
  const sign = INFINITE.exec(text)?.[1];
  if (sign === undefined) return undefined;
  return sign === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
}
