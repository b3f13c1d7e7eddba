/** How a log is told to a model: its kinds of lines, then its last lines as they are. */

import { maskCredentials } from "./evidence.ts";
import type { LogDigest, LogTemplate } from "../core/evidence.ts";
import type { Evidence } from "../core/model.ts";
import { span } from "../text/time.ts";

/** How a text of strangers is shown: on one bounded line. */
export type Show = (text: string) => string;

/** Of the kinds together; what is left of the prompt has the last lines. */
const MAX_KINDS_BYTES = 6000;

/** Both parts within the budget. What does not fit is counted, and the newest of the last lines are kept. */
export function renderLogs(
  { logs, logDigest }: Pick<Evidence, "logs" | "logDigest">,
  show: Show,
  budgetBytes: number,
): string[] {
  if (logs.kind !== "found") return [show(`log: missing (${logs.reason})`)];
  if (logs.value.length === 0) return ["log: empty"];
  const kinds = renderKinds(logDigest, show, Math.min(MAX_KINDS_BYTES, budgetBytes));
  const leftBytes = budgetBytes - byteLength(kinds.join("\n")) - 1;
  // The newest are nearest to the fault: they are kept first, then all stand in their order again.
  const kept = fitting(maskCredentials(logs.value).toReversed().map(show), leftBytes).toReversed();
  const dropped = logs.value.length - kept.length;
  const note = dropped > 0 ? ` (${dropped} older lines left out)` : "";
  return [...kinds, `log, last lines, oldest first${note}:`, ...kept];
}

/** A log of a few lines is told by them alone. */
const MIN_LINES = 10;

function renderKinds(digest: LogDigest | undefined, show: Show, budgetBytes: number): string[] {
  if (digest === undefined || digest.lineCount < MIN_LINES) return [];
  const { lineCount, fromMs, toMs, templates, leftOut } = digest;
  const over = fromMs === undefined || toMs === undefined ? "" : ` of ${span(toMs - fromMs)}`;
  const told = templates.map((template) => show(renderKind(template, toMs)));
  const kept = fitting(told, budgetBytes);
  const kinds = templates.length - kept.length + leftOut.kinds;
  const lines = templates.slice(kept.length).reduce((sum, { count }) => sum + count, leftOut.lines);
  return [
    `log by kind, its last ${lineCount} lines${over}; <*> stands for what differs; errors first, then starts and ends:`,
    ...kept,
    ...(lines > 0 ? [`  (${lines} lines of ${kinds} or more kinds left out)`] : []),
  ];
}

function renderKind(
  { count, text, example, firstMs, lastMs }: LogTemplate,
  toMs: number | undefined,
) {
  const ago = (atMs: number) => `-${Math.max(Math.round(((toMs ?? atMs) - atMs) / 1000), 0)}s`;
  const when =
    firstMs === undefined || lastMs === undefined
      ? ""
      : count === 1
        ? ` at ${ago(lastMs)}`
        : ` from ${ago(firstMs)} to ${ago(lastMs)}`;
  return `  ${count}x${when}: ${count === 1 ? example : text}`;
}

/** The lines from the first on that fit the budget together. */
export function fitting(lines: readonly string[], budgetBytes: number): string[] {
  let used = 0;
  const end = lines.findIndex((text) => {
    used += byteLength(text) + 1;
    return used > budgetBytes;
  });
  return lines.slice(0, end < 0 ? lines.length : end);
}

export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
