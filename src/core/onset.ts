/** When a fault began, as far as its signal's history tells. */

import type { Alert, Point } from "./model.ts";

/**
 * The last moment before the signal began to move to where it is: from the first point past the
 * threshold, back over the points that lead up to it without a break. Correct to one step.
 *
 * @param history oldest first, by the source's clock
 * @returns by our clock; `undefined` without a history or a threshold
 */
export function estimateOnset(
  history: readonly Point[],
  { rule, value }: Alert,
  nowMs: number,
): number | undefined {
  const newest = history.at(-1);
  const threshold = rule.signal?.threshold;
  if (newest === undefined || threshold === undefined) return undefined;
  const rises = (value ?? newest.value) >= threshold;
  const past = (point: Point) => (rises ? point.value > threshold : point.value < threshold);
  // `up == 0` is neither above nor below: any point that equals the threshold is part of it.
  const holds = (point: Point) => past(point) || point.value === threshold;

  let index = history.length - 1;
  while (index > 0 && holds(history[index - 1] ?? newest)) index -= 1;
  while (index > 0 && leadsUp(history[index - 1], history[index], rises)) index -= 1;
  const onset = history[index] ?? newest;
  // By the distance from the newest point, since the two clocks need not agree.
  return nowMs - (newest.timestampMs - onset.timestampMs);
}

/** A climb is a change that matters: more than a tenth of the higher value. */
function leadsUp(before: Point | undefined, after: Point | undefined, rises: boolean): boolean {
  if (before === undefined || after === undefined) return false;
  const change = rises ? after.value - before.value : before.value - after.value;
  return change > Math.max(Math.abs(after.value), Math.abs(before.value)) * 0.1;
}
