/** Copies of samples, for a thread that must not see them change. */

import { PromqlError } from "../../promql/errors.ts";
import type { StoredSeries } from "../../promql/series.ts";
import type { Need, Samples } from "./wire.ts";

/** Where the samples of a series that are needed begin and end. */
interface Part {
  readonly series: StoredSeries;
  from: number;
  to: number;
}

/**
 * What is needed, of each series once.
 *
 * @throws PromqlError `execution` if that is too much
 */
export function copySamples(
  needs: readonly Need[],
  byId: ReadonlyMap<number, StoredSeries>,
  maxSamples: number,
): Samples {
  const parts = new Map<number, Part>();
  for (const need of needs)
    for (const id of need.ids) {
      const series = byId.get(id);
      if (series !== undefined) join(parts, id, partOf(series, need));
    }
  const ends = new Uint32Array(parts.size);
  let end = 0;
  let index = 0;
  const isWhole = needs.every(({ which }) => which !== "ends");
  for (const { from, to } of parts.values()) {
    end += isWhole ? to - from : Math.min(to - from, 2);
    ends[index] = end;
    index += 1;
  }
  if (end > maxSamples)
    throw new PromqlError(
      "execution",
      "query processing would load too many samples into memory in query execution",
    );
  const timestampsMs = new Float64Array(end);
  const values = new Float64Array(end);
  let at = 0;
  for (const { series, from, to } of parts.values()) {
    const pieces =
      isWhole || to - from <= 2
        ? [[from, to]]
        : [
            [from, from + 1],
            [to - 1, to],
          ];
    for (const [first = 0, last = 0] of pieces) {
      // By `set` alone: a stale marker is known by its bits.
      timestampsMs.set(series.timestampsMs.subarray(first, last), at);
      values.set(series.values.subarray(first, last), at);
      at += last - first;
    }
  }
  return { ids: Uint32Array.from(parts.keys()), ends, timestampsMs, values };
}

function join(parts: Map<number, Part>, id: number, part: Part): void {
  if (part.to <= part.from) return;
  const known = parts.get(id);
  if (known === undefined) return void parts.set(id, part);
  known.from = Math.min(known.from, part.from);
  known.to = Math.max(known.to, part.to);
}

function partOf(series: StoredSeries, { fromMs, toMs, which }: Need): Part {
  const { timestampsMs, start, end } = series;
  if (which === "ends") return { series, from: start, to: end };
  const firstAfter = (timeMs: number, isIncluded: boolean) => {
    let low = start;
    let high = end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const sampledMs = timestampsMs[middle] ?? 0;
      if (sampledMs > timeMs || (isIncluded && sampledMs === timeMs)) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  const to = firstAfter(toMs, false);
  if (which === "last") return { series, from: Math.max(to - 1, start), to };
  return { series, from: firstAfter(fromMs, true), to };
}
