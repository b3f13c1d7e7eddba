/** What recording rules give, written as series: as a target's, it ends when it is not given any more. */

import type { Labels, Sample } from "../../core/model.ts";
import { PromqlError } from "../../promql/errors.ts";
import { labelsKey, METRIC_NAME } from "../../promql/labels.ts";
import type { Account } from "./account.ts";
import type { MemorySeries, MemoryStore } from "./store.ts";

/** A recording rule; its labels win over those of what its expression gives. */
export interface RecordedRule {
  readonly record: string;
  readonly expr: string;
  readonly labels: Labels;
}

interface Recorded {
  readonly samples: readonly Sample[];
  readonly atMs: number;
  /** More series than this are refused; 0 is without a limit. */
  readonly limit: number;
}

export class Recordings {
  readonly #store: MemoryStore;
  readonly #account: Account;
  /** What each rule gave last. */
  readonly #given = new Map<RecordedRule, ReadonlyMap<string, MemorySeries>>();

  constructor(store: MemoryStore, account: Account) {
    this.#store = store;
    this.#account = account;
  }

  /**
   * Writes one sample a series, or none at all.
   *
   * @throws PromqlError `execution` on more series than the limit, on two with the same labels, and if
   *   there is no room
   */
  write(rule: RecordedRule, { samples, atMs, limit }: Recorded): void {
    if (limit > 0 && samples.length > limit)
      throw new PromqlError(
        "execution",
        `it gives ${samples.length} series, and the limit of its group is ${limit}`,
      );
    const given = new Map<string, { readonly labels: Labels; readonly value: number }>();
    for (const { labels, value } of samples) {
      const named = recordedLabels(rule, labels);
      const key = labelsKey(named);
      if (given.has(key))
        throw new PromqlError("execution", "it gives two series with the same labels");
      given.set(key, { labels: named, value });
    }
    const opened = new Map<string, MemorySeries>();
    for (const [key, { labels }] of given) opened.set(key, this.#open(labels));
    for (const [key, series] of opened)
      this.#store.append(series, atMs, given.get(key)?.value ?? Number.NaN);
    for (const [key, series] of this.#given.get(rule) ?? [])
      if (!opened.has(key) && !series.removed) this.#store.appendStale(series, atMs);
    this.#given.set(rule, opened);
  }

  #open(labels: Labels): MemorySeries {
    const series = this.#store.open(labels, this.#account);
    if (series === undefined)
      throw new PromqlError("execution", "there is no room for the series that it gives");
    return series;
  }
}

function recordedLabels({ record, labels: ofRule }: RecordedRule, labels: Labels): Labels {
  const named: Record<string, string> = Object.assign(Object.create(null), labels, ofRule, {
    [METRIC_NAME]: record,
  });
  for (const name in named) if (named[name] === "") delete named[name];
  return named;
}
