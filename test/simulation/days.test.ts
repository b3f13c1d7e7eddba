/**
 * A month of an observer in a minute, on a clock of its own: every 5 s a poll of each of 4 services,
 * none of them left out, and in between all that goes wrong.
 *
 * The same month in each run, so that a failure is the change's; `DAYS_SEED=n` is another one.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DAY_MS, HOUR_MS } from "./fleet.ts";
import { MAX_WRONG_MS } from "./wall.ts";
import { passDaysApart } from "./apart.ts";
import { type Days, KEPT_MS, type Measured, MAX_JOURNAL_BYTES } from "./month.ts";

const DAYS = 30;
const SERVICES = 4;
const SEED = Number(process.env["DAYS_SEED"] ?? 1_191_119_769);
const POLLS_A_DAY = 17_280;
const DEADLINE_MS = 900_000;

const MB = 1024 * 1024;
/** What the runtime's own memory moves by. */
const MAX_GROWTH_BYTES = 40 * MB;
/** SQLite writes its log into the file when it is as long as this, in pages of 4 KiB. */
const MAX_LOG_BYTES = 5 * MB;

describe(`${DAYS} days with DAYS_SEED=${SEED}`, () => {
  const folder = mkdtempSync(join(tmpdir(), "sentinel-days-"));
  let days: Days;

  beforeAll(async () => {
    const path = join(folder, "sentinel.db");
    days = await passDaysApart({ days: DAYS, seed: SEED, services: SERVICES, path });
    const { polls, starts, jumps, witness } = days;
    console.log(`DAYS_SEED=${SEED}`, { polls, starts, ...jumps, ...witness.counts });
  }, DEADLINE_MS);
  afterAll(() => rmSync(folder, { recursive: true }));

  test("no promise is broken", () => {
    expect(days.witness.broken).toEqual([]);
  });

  test("every incident ends", () => {
    const { counts, open } = days.witness;
    expect(open).toEqual([]);
    expect(counts.closed).toBe(counts.opened);
  });

  test("it was a month in which enough happened", () => {
    const { polls, starts, jumps, witness } = days;
    // It is down for some minutes now and then.
    expect(polls).toBeGreaterThan(0.97 * DAYS * POLLS_A_DAY * SERVICES);
    expect(starts).toBeGreaterThan(DAYS);
    expect(jumps.forward).toBeGreaterThan(DAYS);
    expect(jumps.back).toBeGreaterThan(DAYS);
    expect(witness.counts.opened).toBeGreaterThan(1000);
    for (const count of Object.values(witness.counts)) expect(count).toBeGreaterThan(0);
  });

  test("resident memory does not grow with time", () => {
    const at = (day: number) => measuredAt(day).residentBytes;
    expect(at(15) - at(5)).toBeLessThan(MAX_GROWTH_BYTES);
    expect(at(DAYS) - at(5)).toBeLessThan(MAX_GROWTH_BYTES);
  });

  test("the journal grows as far as it may, and no further", () => {
    for (const { journalBytes, logBytes } of days.measured) {
      // What was added since it was last cut back, an hour ago.
      expect(journalBytes).toBeLessThan(1.25 * MAX_JOURNAL_BYTES);
      expect(logBytes).toBeLessThan(MAX_LOG_BYTES);
    }
    const { kept, endedAtMs } = days;
    const lastOf = new Map(kept.map(({ incident, atMs }) => [incident, atMs]));
    lastOf.delete(undefined);
    // Until it is cut back again, and while the observer that does it is down.
    const oldestMs = endedAtMs - KEPT_MS - 2 * HOUR_MS - 2 * MAX_WRONG_MS;
    expect(Math.min(...lastOf.values())).toBeGreaterThan(oldestMs);
    expect(kept.at(-1)?.atMs).toBeGreaterThan(endedAtMs - DAY_MS);
  });

  function measuredAt(day: number): Measured {
    const found = days.measured.find((one) => one.day === day);
    if (found === undefined) throw new Error(`nothing was measured on day ${day}`);
    return found;
  }
});
