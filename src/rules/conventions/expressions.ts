/** PromQL over one metric of a service. Pure. */

/** Several matchers, of which any may be empty. */
export function select(metric: string, ...matchers: readonly (string | undefined)[]): string {
  return `${metric}{${matchers.filter((text) => text).join(",")}}`;
}

/** What counts requests: a counter, or a native histogram, which counts as well. */
export interface Counter {
  readonly metric: string;
  readonly isNative: boolean;
}

/** Requests a second. */
export function rateOf({ metric, isNative }: Counter, matchers: string, window: string): string {
  const rate = `rate(${select(metric, matchers)}[${window}])`;
  return isNative ? `sum(histogram_count(${rate}))` : `sum(${rate})`;
}

/** Requests within the window. */
export function countOf({ metric, isNative }: Counter, matchers: string, window: string): string {
  const increase = `increase(${select(metric, matchers)}[${window}])`;
  return isNative ? `sum(histogram_count(${increase}))` : `sum(${increase})`;
}

export function and(...matchers: readonly (string | undefined)[]): string {
  return matchers.filter((text) => text).join(",");
}
