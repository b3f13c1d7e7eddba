import { expect, test } from "bun:test";
import { alert, rule, START_MS } from "../../test/support/fixtures.ts";
import {
  entriesOf,
  entryOf,
  healed,
  numbered,
  shadowed,
} from "../../test/support/incident-entries.ts";
import type { NewJournalEntry } from "../core/ports.ts";
import { foldIncidents } from "../core/incident-record.ts";
import { renderDryRun } from "./dry-run.ts";

const MINUTE_MS = 60_000;

function dryRun(...entries: readonly NewJournalEntry[]): readonly string[] {
  const all = numbered(...entries);
  return renderDryRun(foldIncidents(all), all);
}

function incident(minute: number, events = shadowed()): NewJournalEntry[] {
  return entriesOf(events, { id: `i${minute}`, atMs: START_MS + minute * MINUTE_MS });
}

function resolved(minute: number, changes: Parameters<typeof alert>[0] = {}): NewJournalEntry {
  const now = alert({ state: "inactive", ...changes });
  const changed = { type: "alert_changed", alert: now, from: "firing" } as const;
  return entryOf(changed, START_MS + minute * MINUTE_MS);
}

/** Of the only row: what comes after the action. */
function row(lines: readonly string[]): readonly string[] {
  return lines[4]?.split(/ {2,}/).slice(2) ?? [];
}

test("each alert and action is summed up, the most frequent first", () => {
  const latency = rule({ alert: "HighLatency", severity: "medium" });
  const lines = dryRun(
    ...incident(0, shadowed({ rule: latency })),
    ...incident(20),
    resolved(22),
    ...incident(40),
    resolved(44),
    ...incident(60),
    ...entriesOf(healed(), { id: "acted", atMs: START_MS + 80 * MINUTE_MS }),
  );
  expect(lines).toEqual([
    "What AUTONOMY=auto would have done where AUTONOMY=observe held it back:",
    "",
    "alert        action          would be  times  ended anyway  median",
    "───────────  ──────────────  ────────  ─────  ────────────  ──────",
    "HighCpu      docker-restart  run           3             2      4m",
    "HighLatency  docker-restart  asked         1             0       -",
    "",
    "Ended anyway: the alert resolved within 10m, by itself or by somebody's hand.",
  ]);
});

test.each([
  ["just in time", [resolved(10)], ["run", "1", "1", "10m"]],
  ["too late", [resolved(10.01)], ["run", "1", "0", "-"]],
  ["before it began", [resolved(-1)], ["run", "1", "0", "-"]],
  ["never", [], ["run", "1", "0", "-"]],
  ["another alert", [resolved(1, { rule: rule({ alert: "Other" }) })], ["run", "1", "0", "-"]],
  ["only without data", [resolved(1, { state: "no_data" })], ["run", "1", "0", "-"]],
  ["another service", [{ ...resolved(1), service: "other" }], ["run", "1", "0", "-"]],
] as const)("an alert that ends %s", (_, ends, expected) => {
  const entries = [...incident(0), ...ends].toSorted((a, b) => a.atMs - b.atMs);
  expect(row(dryRun(...entries))).toEqual(expected);
});

test("an end after the next incident of the alert is that one's alone", () => {
  expect(row(dryRun(...incident(0), ...incident(5), resolved(6)))).toEqual([
    "run",
    "2",
    "1",
    "60s",
  ]);
});

test("what was held for other reasons is not in it", () => {
  expect(dryRun(...entriesOf(healed()))).toEqual([
    "There is no incident in which AUTONOMY=observe held an action back.",
  ]);
});
