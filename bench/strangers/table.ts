/** What became of the cells, for people. */

import { align } from "../../src/text/table.ts";
import type { Verdict } from "./judge.ts";

const TITLES = [
  "service",
  "broken",
  "alert",
  "after",
  "action",
  "back after",
  "verdict",
  "after",
  "",
];
const TEXT_COLUMNS = [0, 1, 2, 4, 6, 8];

/** A row for each, in the order given, under a line of titles. */
export function renderTable(verdicts: readonly Verdict[]): string {
  return align([TITLES, ...verdicts.map(rowOf)], TEXT_COLUMNS).join("\n");
}

function rowOf(cell: Verdict): readonly string[] {
  return [
    cell.name,
    cell.fault,
    cell.alert ?? "-",
    seconds(cell.detectedAfterMs),
    cell.action ?? "-",
    seconds(cell.backAfterMs),
    cell.verdict ?? "-",
    seconds(cell.verdictAfterMs),
    cell.misses.length === 0 ? "ok" : `MISS: ${cell.misses.join(", ")}`,
  ];
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? "-" : `${(ms / 1000).toFixed(1)} s`;
}
