/** An alert's summary, with Prometheus' templates for its value and labels filled in. */

import type { Alert } from "../core/model.ts";

/** The annotation `summary`, else `description`, else the expression. */
export function renderSummary({ rule, value, labels }: Alert): string {
  const template = rule.annotations["summary"] ?? rule.annotations["description"] ?? rule.expr;
  return template.replaceAll(
    /\{\{-?\s*\$(value|labels\.(\w+))\s*(?:\|\s*(\w+)\s*)?-?\}\}/g,
    (_, what: string, label = "", filter: string | undefined) => {
      if (what !== "value") return Object.hasOwn(labels, label) ? (labels[label] ?? "") : "";
      return value === undefined ? "an unknown number" : formatValue(value, filter);
    },
  );
}

function formatValue(value: number, filter: string | undefined): string {
  if (filter === "humanizePercentage") return `${significant(value * 100)} %`;
  if (filter === "humanizeDuration") return `${significant(value)} s`;
  if (filter === "humanize1024") return humanize1024(value);
  return significant(value);
}

/** Bytes with a binary prefix, without the B: `48.2 Mi`. */
export function humanize1024(value: number): string {
  const units = ["", "Ki", "Mi", "Gi", "Ti"];
  const power = Math.min(Math.floor(Math.log2(Math.max(value, 1)) / 10), units.length - 1);
  return `${significant(value / 1024 ** power)} ${units[power] ?? ""}`;
}

/** At most 3 significant digits, without an exponent where one can do without. */
export function significant(value: number): string {
  return String(Number(value.toPrecision(3)));
}
