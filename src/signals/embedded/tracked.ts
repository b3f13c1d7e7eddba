/** A series as its target has it: its labels, and where it is in the store. */

import type { Labels } from "../../core/model.ts";
import type { MemorySeries } from "./store.ts";

export interface Tracked {
  readonly labels: Labels;
  series: MemorySeries | undefined;
}

/** The target's labels win; one of the same name that was scraped is kept as `exported_...`. */
export function track(scraped: Labels, target: Labels): Tracked {
  const labels: Record<string, string> = Object.assign(Object.create(null), scraped);
  for (const [name, value] of Object.entries(target)) {
    const displaced = labels[name];
    labels[name] = value;
    if (displaced === undefined) continue;
    let exported = `exported_${name}`;
    while (exported in labels || exported in target) exported = `exported_${exported}`;
    labels[exported] = displaced;
  }
  return { labels, series: undefined };
}
