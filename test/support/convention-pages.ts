/** Pages of metrics as libraries give them: `test/conventions/pages`. */

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Labels } from "../../src/core/model.ts";
import { evaluateInstant } from "../../src/promql/evaluate.ts";
import { parseExpression } from "../../src/promql/parse.ts";
import { readService, type ServiceReading, seriesQuery } from "../../src/rules/conventions/find.ts";
import { createExpositionReader } from "../../src/signals/embedded/exposition.ts";
import { createSeriesStore, type MemoryStore } from "../../src/signals/embedded/store.ts";

const FOLDER = join(import.meta.dir, "../conventions/pages");

export const PAGES: readonly string[] = readdirSync(FOLDER).map((file) =>
  file.replace(/\.prom$/, ""),
);

export const JOB = 'job="shop"';
const AT_MS = 60_000;

/** @throws Error on a line that cannot be read */
export function readPage(page: string): { readonly text: string; readonly series: Labels[] } {
  const text = readFileSync(join(FOLDER, `${page}.prom`), "utf8");
  const { series, badLines } = createExpositionReader((labels) => labels).read(text);
  const [bad] = badLines;
  if (bad !== undefined) throw new Error(`${page}: line ${bad.lineNumber}: ${bad.reason}`);
  return { text, series: [...series] };
}

/** Scraped twice a minute apart: at first all that counts stood at 0. */
export function storeOf(page: string): MemoryStore {
  return storeOfText(readPage(page).text);
}

export function storeOfText(text: string): MemoryStore {
  const gauges = new Set([...text.matchAll(/^# TYPE (\S+) gauge$/gm)].map(([, name]) => name));
  const store = createSeriesStore();
  const { series, values } = createExpositionReader((labels) => labels).read(text);
  for (const [index, labels] of series.entries()) {
    const value = values[index] ?? Number.NaN;
    const isGauge = gauges.has(labels["__name__"] ?? "") || labels["quantile"] !== undefined;
    const one = store.open({ ...labels, job: "shop" });
    if (one === undefined) throw new Error("the store is full");
    store.append(one, 0, isGauge ? value : 0);
    store.append(one, AT_MS, value);
  }
  return store;
}

/** What Sentinel reads of the page, asked as it asks any source. */
export function readingOf(store: MemoryStore, convention?: string): ServiceReading {
  const value = evaluateInstant(parseExpression(seriesQuery(JOB)), store, { atMs: AT_MS });
  if (value.type !== "vector") throw new Error(`the answer is a ${value.type}`);
  return readService(
    value.samples.map(({ labels }) => labels),
    convention,
  );
}

/** The values of an expression, a minute after the beginning. */
export function valuesOf(store: MemoryStore, expr: string): number[] {
  const value = evaluateInstant(parseExpression(expr), store, { atMs: AT_MS });
  if (value.type !== "vector") throw new Error(`${expr} is a ${value.type}`);
  return value.samples.map((sample) => sample.value);
}
