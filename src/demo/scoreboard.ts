/** How the demo's faults went, as a table; as a list where the terminal is narrow. Pure. */

import { secondsWithTenths } from "../text/time.ts";
import type { DemoFault } from "./faults.ts";

/** `undefined` for what did not happen. Times in ms since the fault began. */
export interface Score {
  readonly fault: DemoFault;
  readonly detectedAfterMs: number | undefined;
  readonly diagnosedBy: string | undefined;
  readonly action: string | undefined;
  readonly healedAfterMs: number | undefined;
  /** `healed`, `not_healed`, `unknown`, or why there is no verdict. */
  readonly verdict: string;
}

const COLUMNS: readonly (readonly [string, (score: Score) => string])[] = [
  ["fault", ({ fault }) => fault],
  ["detected after", ({ detectedAfterMs }) => seconds(detectedAfterMs)],
  ["diagnosed by", ({ diagnosedBy }) => diagnosedBy ?? "-"],
  ["action", ({ action }) => action ?? "-"],
  ["healed after", ({ healedAfterMs }) => seconds(healedAfterMs)],
  ["verdict", ({ verdict }) => verdict],
];

const GAP = "  ";

/** @param columns width of the terminal, in characters */
export function renderScores(scores: readonly Score[], columns: number): string[] {
  const rows = [
    COLUMNS.map(([title]) => title),
    ...scores.map((score) => COLUMNS.map(([, cell]) => cell(score))),
  ];
  const widths = COLUMNS.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join(GAP)
      .trimEnd(),
  );
  const rule = widths.map((width) => "─".repeat(width)).join(GAP);
  if (rule.length <= columns) return [...lines.slice(0, 1), rule, ...lines.slice(1)];
  return scores.flatMap((score) => [
    score.fault,
    ...COLUMNS.slice(1).map(([title, cell]) => `  ${title.padEnd(16)}${cell(score)}`),
  ]);
}

export function isHealed({ verdict }: Score): boolean {
  return verdict === "healed";
}

export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return low === undefined || high === undefined ? undefined : (low + high) / 2;
}

/** A duration as people say it: `2.1 s`. */
export function seconds(durationMs: number | undefined): string {
  return durationMs === undefined ? "-" : secondsWithTenths(durationMs);
}
