/** A few series that a real Prometheus and our API both have, to be asked the same. */

import { type ApiSources, prometheusApi } from "../../src/http/prometheus-api/api.ts";
import type { DashboardSources } from "../../src/http/server.ts";
import type { StoredSeries } from "../../src/promql/series.ts";
import { createSeriesStore, type MemoryStore } from "../../src/signals/embedded/store.ts";
import { STALE, storedSeries } from "../promql/array-store.ts";

export const DATA_START_S = 1_700_000_000;
const INTERVAL_S = 15;
const SAMPLES = 20;

type Labels = Readonly<Record<string, string>>;

/** @param offsetMs of every sample, against the data set's start */
function series(labels: Labels, valueAt: (index: number) => number, offsetMs = 0): StoredSeries {
  const indices = Array.from({ length: SAMPLES }, (_, index) => index);
  return storedSeries(
    labels,
    indices.map((index) => [(DATA_START_S + index * INTERVAL_S) * 1000 + offsetMs, valueAt(index)]),
  );
}

const ODD: Readonly<Record<string, number>> = {
  nan: Number.NaN,
  infinite: Number.POSITIVE_INFINITY,
  minus_infinite: Number.NEGATIVE_INFINITY,
  smallest: Number.MIN_VALUE,
  greatest: Number.MAX_VALUE,
  minus_zero: -0,
  just_without_exponent: 123_456_789_012_345_680_000,
  just_with_exponent: 1e21,
  small_without_exponent: 0.000001,
  small_with_exponent: 9.5e-7,
  third: 1 / 3,
};

export const SERIES: readonly StoredSeries[] = [
  series({ __name__: "up", job: "api", instance: "a:1" }, () => 1),
  series({ __name__: "up", job: "api", instance: "b:1" }, () => 0),
  series({ __name__: "up", job: "web", instance: "c:1" }, (index) => index % 2),
  series({ __name__: "requests_total", job: "api", instance: "a:1" }, (index) => index * 1.1),
  ...Object.entries(ODD).map(([kind, value]) =>
    series({ __name__: "odd", kind }, () => value, 123),
  ),
  series({ __name__: "text", said: 'a <b> & "c" \\ d\u2028\u0001\n ünï 𝄞' }, () => 1),
  series({ __name__: "text", "http.status": "200", größe: "L" }, () => 1),
  storedSeries({ __name__: "ended", job: "web" }, [
    [DATA_START_S * 1000, 1],
    [(DATA_START_S + INTERVAL_S) * 1000, STALE],
  ]),
];

/** Our own store, with these series. */
export function filledStore(all: readonly StoredSeries[] = SERIES): MemoryStore {
  const store = createSeriesStore();
  for (const { labels, timestampsMs, values } of all) {
    const opened = store.open(Object.assign(Object.create(null), labels));
    if (opened === undefined) throw new Error("the store is full");
    for (const [index, timestampMs] of timestampsMs.entries()) {
      const value = values[index] ?? Number.NaN;
      // The data set's own NaN is none of the markers.
      const isMarker = Number.isNaN(value) && labels["kind"] !== "nan";
      if (isMarker) store.appendStale(opened, timestampMs);
      else store.append(opened, timestampMs, value);
    }
  }
  return store;
}

/** What our API tells of: the series alone, unless the changes say otherwise. */
export function apiSources(changes: Partial<ApiSources> = {}): ApiSources {
  return {
    store: filledStore(),
    nowMs: () => (DATA_START_S + 100) * 1000,
    ruleGroups: () => [],
    targets: () => [],
    version: "1.2.3",
    ...changes,
  };
}

/** What a server of that API alone serves. */
export function apiAlone(api: ApiSources = apiSources()): DashboardSources {
  const metrics = { render: async () => "", contentType: "text/plain" };
  const operator = {
    token: undefined,
    nowMs: api.nowMs,
    records: async () => [],
    services: () => ({ names: [], isComplete: true }),
    commit: async () => {},
    onRefused: () => {},
    tell: () => {},
  };
  return {
    version: api.version,
    whyNotReady: () => Promise.resolve(undefined),
    metrics,
    operator,
    watched: () => [],
    api,
  };
}

export interface AskedFor {
  readonly method: string;
  /** Below `/api/v1/`, with the parameters. */
  readonly path: string;
  readonly form?: string;
  readonly type?: string;
}

/** As a request to whatever serves at the origin. */
export function requestTo(origin: string, { method, path, form, type }: AskedFor): Request {
  const headers = { "content-type": type ?? "application/x-www-form-urlencoded" };
  return new Request(`${origin}/api/v1/${path}`, {
    method,
    ...(form === undefined ? {} : { body: form, headers }),
  });
}

/** What our API answers, without a socket. */
export async function askOurs(asked: AskedFor, sources: ApiSources): Promise<Response> {
  return prometheusApi(sources).handle(requestTo("http://localhost", asked));
}

/** The status and the JSON that our API answers; text alone is the path of a GET. */
export async function ask(
  asked: string | AskedFor,
  changes: Partial<ApiSources> = {},
): Promise<unknown[]> {
  const request = typeof asked === "string" ? { method: "GET", path: asked } : asked;
  const response = await askOurs(request, apiSources(changes));
  return [response.status, await response.json()];
}

/** As `ask` gives it, with its data. */
export function success(data: unknown): unknown[] {
  return [200, { status: "success", data }];
}

/** As `ask` gives it. */
export function failure(status: number, errorType: string, error: unknown): unknown[] {
  return [status, { status: "error", errorType, error }];
}
