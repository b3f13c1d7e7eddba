/** What a target's last exposition held, so that the next is read by comparing. */

import type { Labels } from "../../core/model.ts";
import { type BoundLabel, normalizeBound } from "./bound-label.ts";
import { parseSeriesText } from "./series-text.ts";

/** A series' text, and what it stands for. */
export interface KnownSeries<T> {
  readonly text: string;
  readonly series: T;
  /** The series whose line came next in the last reading. */
  next: KnownSeries<T> | undefined;
  /** Number of the last reading that had it. */
  seenIn: number;
}

/** The series of the last reading, by text and in order. */
export class SeriesCache<T> {
  readonly #byText = new Map<string, KnownSeries<T>>();
  #first: KnownSeries<T> | undefined;
  #previous: KnownSeries<T> | undefined;
  #reading = 0;
  #seen = 0;

  constructor(readonly open: (labels: Labels) => T) {}

  begin(): void {
    this.#previous = undefined;
    this.#reading += 1;
    this.#seen = 0;
  }

  /** The series that came next in the last reading. */
  expected(): KnownSeries<T> | undefined {
    return this.#previous === undefined ? this.#first : this.#previous.next;
  }

  /**
   * @param bound asked only of a text that is new
   * @returns what is wrong with the text, if it does not describe a series
   */
  find(text: string, bound: () => BoundLabel | undefined): KnownSeries<T> | string {
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    // A part of a string holds on to the whole, which is the body of a scrape: hence the copy.
    const copy = Buffer.from(text).toString();
    const parsed = parseSeriesText(copy);
    if (parsed.kind === "bad") return parsed.reason;
    const series = this.open(normalizeBound(parsed.labels, bound()));
    const added: KnownSeries<T> = { text: copy, series, next: undefined, seenIn: 0 };
    this.#byText.set(copy, added);
    return added;
  }

  /** This one comes next. */
  advance(known: KnownSeries<T>): void {
    if (this.#previous === undefined) this.#first = known;
    else this.#previous.next = known;
    this.#previous = known;
    if (known.seenIn === this.#reading) return;
    known.seenIn = this.#reading;
    this.#seen += 1;
  }

  /** Forgets what was not seen, so that nothing known is followed by anything forgotten. */
  end(): void {
    if (this.#previous === undefined) this.#first = undefined;
    else this.#previous.next = undefined;
    if (this.#seen === this.#byText.size) return;
    for (const [text, { seenIn }] of this.#byText)
      if (seenIn !== this.#reading) this.#byText.delete(text);
  }
}
