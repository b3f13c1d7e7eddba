/** An alert's summary, with Prometheus' templates for its value and labels filled in. */

import type { Alert, Labels } from "../core/model.ts";
import { expandLabels, expandTemplate } from "./template/expand.ts";

/** The annotation `summary`, else `description`, else the expression. */
export function renderSummary({ rule, value, labels }: Alert): string {
  const template = rule.annotations["summary"] ?? rule.annotations["description"];
  return template === undefined ? rule.expr : expandTemplate(template, { labels, value });
}

/** All annotations, with their templates filled in. */
export function renderAnnotations({ rule, value, labels }: Alert): Labels {
  return expandLabels(rule.annotations, { labels, value });
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
