/** The endpoints of Prometheus' HTTP API that tell which series and labels there are. */

import { messageOf } from "../../core/errors.ts";
import { labelOf } from "../../promql/labels.ts";
import type { LabelMatcher, SeriesStore, StoredSeries } from "../../promql/series.ts";
import { unescapeLabelName } from "./label-name.ts";
import { type Found, type Question, rowsOf } from "./endpoint.ts";
import {
  ApiError,
  invalid,
  readBounds,
  readLimit,
  readSelectors,
  type TimeBounds,
} from "./parameters.ts";
import { describeMetric, sortByLabels } from "./values.ts";

export function series({ parameters, sources }: Question): Found {
  if (!parameters.has("match[]")) throw new ApiError("bad_data", "no match[] parameter provided");
  const limit = readLimit(parameters);
  const bounds = readBounds(parameters);
  const found = select(sources.store, readNamedSelectors(parameters), bounds);
  return rowsOf(sortByLabels(found), limit, { describe: ({ labels }) => describeMetric(labels) });
}

export function labelNames({ parameters, sources }: Question): Found {
  const limit = readLimit(parameters);
  const bounds = readBounds(parameters);
  const found = select(sources.store, readSelectors(parameters), bounds);
  const names = new Set<string>();
  for (const { labels } of found) for (const name of Object.keys(labels)) names.add(name);
  return rowsOf([...names].toSorted(), limit, { describe: (name) => name });
}

/** @param encoded the name, as it stands in the path */
export function labelValues(encoded: string, { parameters, sources }: Question): Found {
  const name = readLabelName(encoded);
  const limit = readLimit(parameters);
  const bounds = readBounds(parameters);
  const found = select(sources.store, readSelectors(parameters), bounds);
  const values = new Set(found.map(({ labels }) => labelOf(labels, name)));
  values.delete("");
  return rowsOf([...values].toSorted(), limit, { describe: (value) => value });
}

function readLabelName(encoded: string): string {
  try {
    const name = unescapeLabelName(decodeURIComponent(encoded));
    if (name !== "") return name;
  } catch (cause) {
    throw invalidLabelName(encoded, cause);
  }
  throw invalidLabelName("");
}

function invalidLabelName(name: string, cause?: unknown): ApiError {
  return new ApiError("bad_data", `invalid label name: ${JSON.stringify(name)}`, cause);
}

/** Only here does Prometheus say which parameter it was. */
function readNamedSelectors(parameters: URLSearchParams): ReturnType<typeof readSelectors> {
  try {
    return readSelectors(parameters);
  } catch (error) {
    throw invalid("match[]", messageOf(error), error);
  }
}

/** Series of any of the selectors, or all of them, that have a sample between the bounds. */
function select(
  store: SeriesStore,
  selectors: readonly (readonly LabelMatcher[])[],
  { fromMs, toMs }: TimeBounds,
): readonly StoredSeries[] {
  const found = (selectors.length > 0 ? selectors : [[]]).flatMap((matchers) =>
    store.select(matchers),
  );
  return [...new Set(found)].filter(({ timestampsMs, start, end }) => {
    const oldestMs = timestampsMs[start] ?? Number.POSITIVE_INFINITY;
    const newestMs = timestampsMs[end - 1] ?? Number.NEGATIVE_INFINITY;
    return oldestMs <= toMs && newestMs >= fromMs;
  });
}
