import { describe, expect, test } from "bun:test";
import { alert, rule } from "../../test/support/fixtures.ts";
import { coverageOf } from "./coverage.ts";

const quiet = alert({ state: "inactive" });
const memory = rule({ alert: "HighMemory" });
const missing = alert({ rule: memory, state: "no_data", noDataReason: "no label tells errors" });

describe("what is judged", () => {
  test("is each alert of which something is known; the others with the reason", () => {
    const { judged, unjudged } = coverageOf([quiet, missing]);
    expect(judged).toEqual([quiet]);
    expect(unjudged).toEqual([{ alertname: "HighMemory", why: "no label tells errors" }]);
  });

  test("is a name of which one rule is known, and it is told by the one that fires", () => {
    const firing = alert({ rule: memory, state: "firing" });
    const { judged, unjudged } = coverageOf([
      missing,
      alert({ rule: memory, state: "inactive" }),
      firing,
    ]);
    expect(judged).toEqual([firing]);
    expect(unjudged).toEqual([]);
  });

  test("is also where nothing happened that could be measured", () => {
    const idle = { ...missing, isIdle: true } as const;
    expect(coverageOf([idle]).judged).toEqual([idle]);
  });

  test("is nothing without alerts", () => {
    expect(coverageOf([])).toEqual({ judged: [], unjudged: [] });
  });
});
