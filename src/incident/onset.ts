/** When a fault began, as far as its signal's history tells. */

import type { Alert, Point, RuleSignal } from "../core/model.ts";

/**
 * The last moment before the signal began to move to where it is: from the first point at which the
 * rule held, back over the points that lead up to it without a break. Correct to one step.
 *
 * A rate climbs over its whole window after a fault began; that climb is part of it.
 *
 * @param history oldest first, by the source's clock
 * @returns by our clock; `undefined` without a history or a threshold
 */
export function estimateOnset(
  history: readonly Point[],
  { rule: { signal } }: Alert,
  nowMs: number,
): number | undefined {
  const newest = history.at(-1);
  if (newest === undefined || signal === undefined) return undefined;

  let index = history.length - 1;
  while (index > 0 && holds(signal, history[index - 1] ?? newest)) index -= 1;
  const change = (at: number) => (history[at]?.value ?? NaN) - (history[at - 1]?.value ?? NaN);
  const direction = Math.sign(change(index));
  // Less than a tenth of the threshold or of the value is noise.
  const matters = (at: number) =>
    Math.max(Math.abs(signal.threshold), Math.abs(history[at]?.value ?? NaN)) * 0.1;
  while (index > 0 && change(index) * direction > matters(index)) index -= 1;
  const onset = history[index] ?? newest;
  // By the distance from the newest point, since the two clocks need not agree.
  return nowMs - (newest.timestampMs - onset.timestampMs);
}

function holds({ operator, threshold }: RuleSignal, { value }: Point): boolean {
  if (operator === ">") return value > threshold;
  if (operator === ">=") return value >= threshold;
  if (operator === "<") return value < threshold;
  if (operator === "<=") return value <= threshold;
  return operator === "==" ? value === threshold : value !== threshold;
}
