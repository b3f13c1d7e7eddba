/** Labels that hold a number, which Prometheus 3 writes in one way: `le="1"` is `le="1.0"`. */

import type { Labels } from "../../core/model.ts";
import { formatBound, parseGoFloat } from "../../text/go-number.ts";

const BOUND_LABELS = { histogram: "le", summary: "quantile" } as const;
export type BoundLabel = (typeof BOUND_LABELS)[keyof typeof BOUND_LABELS];

const TYPE_LINE = /^#[ \t]+TYPE[ \t]+\S+[ \t]+(histogram|summary)[ \t\r]*$/;

/** The label that holds a number in series of the type that a comment such as `# TYPE x histogram` says. */
export function boundLabelOf(comment: string): BoundLabel | undefined {
  const type = TYPE_LINE.exec(comment)?.[1];
  return type === "histogram" || type === "summary" ? BOUND_LABELS[type] : undefined;
}

/**
 * The labels with the number of that one as Prometheus writes it. What is no number stays.
 *
 * @see https://prometheus.io/docs/prometheus/latest/migration/#le-and-quantile-label-values
 */
export function normalizeBound(labels: Labels, label: BoundLabel | undefined): Labels {
  const text = label === undefined ? undefined : labels[label];
  if (label === undefined || text === undefined) return labels;
  const bound = parseGoFloat(text);
  if (bound === undefined) return labels;
  return Object.assign(Object.create(null), labels, { [label]: formatBound(bound) });
}
