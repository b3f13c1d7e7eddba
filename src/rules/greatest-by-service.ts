/** What was measured of each service, in one number. */

import type { Evaluation, Rule } from "../core/model.ts";
import { alertLabels } from "./alert-state.ts";
import type { ServiceDirectory } from "./ownership.ts";

/** Kept in place of the samples themselves: for many services those would be most of the memory. */
export function greatestByService(
  rule: Rule,
  evaluation: Evaluation,
  directory: ServiceDirectory,
): ReadonlyMap<string, number> {
  const greatest = new Map<string, number>();
  const measured = evaluation.kind === "no_data" ? undefined : evaluation.measured;
  for (const { labels, value } of measured ?? []) {
    const owner = directory.ownerOf(alertLabels(rule, labels, value));
    if (owner.kind === "nobody") continue;
    greatest.set(owner.name, Math.max(greatest.get(owner.name) ?? -Infinity, value));
  }
  return greatest;
}
