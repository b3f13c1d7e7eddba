/**
 * Everything around Sentinel fails, one thing at a time, and the service is sick meanwhile: the loop
 * goes on, nothing is done that is not known to be right, what is wrong is told once, and afterwards
 * a second sickness is healed as if nothing had been.
 */

import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { DOCKER } from "./docker.ts";
import { JOURNAL } from "./journal.ts";
import { MODELS } from "./models.ts";
import { PROMETHEUS } from "./prometheus.ts";
import { TIME } from "./time.ts";
import { type Case, MAX_BETWEEN_POLLS, play } from "./stage.ts";

setDefaultTimeout(120_000);

const CASES: Readonly<Record<string, Case>> = {
  ...PROMETHEUS,
  ...DOCKER,
  ...MODELS,
  ...JOURNAL,
  ...TIME,
};

const HEALED = { runs: ["docker-restart"], ends: ["acted healed"] };

describe("the surroundings fail", () => {
  test.each(Object.entries(CASES))("%s", async (_, one) => {
    const { longestPauseMs, ...played } = await play(one);
    const { right, runs, ends, told, after = HEALED } = one;
    expect<unknown>(played, right).toEqual({ runs, ends, told, after });
    expect(longestPauseMs).toBeLessThanOrEqual(MAX_BETWEEN_POLLS);
  });

  test("in so many ways", () => {
    const count = Object.keys(CASES).length;
    console.log(`surroundings: ${count} faults`);
    expect(count).toBeGreaterThanOrEqual(40);
  });
});
