/** What is kept for rules that change while Sentinel runs, such as with what a service is found to export. */

import { type HistoryRule, planHistory } from "./history.ts";
import type { MemoryStore } from "./store.ts";

interface Expectations {
  readonly store: MemoryStore;
  /** Those that never change. */
  readonly rules: readonly HistoryRule[];
  readonly intervalMs: number;
}

/** @returns a function that is told the expressions of an owner, each time that they may have changed */
export function createExpectations({ store, rules, intervalMs }: Expectations) {
  const byOwner = new Map<string, readonly string[]>();
  let planned = "";
  return (owner: string, exprs: readonly string[]): void => {
    byOwner.set(owner, exprs);
    const all = [...new Set([...byOwner.values()].flat())];
    const key = all.join("\n");
    if (key === planned) return;
    planned = key;
    const built = all.map((expr): HistoryRule => ({ expr, offsetMs: 0, place: "built-in rules" }));
    store.setHistory(planHistory([...rules, ...built], intervalMs));
  };
}
