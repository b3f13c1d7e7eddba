import { describe, expect, test } from "bun:test";
import { createRecorder } from "./results.ts";
import { renderResults } from "./table.ts";

const RUN = { durationMs: 10_000, interrupted: false };
const HOW_TO_READ = "Latencies are those of successes, from when each was due: waiting counts.";

function recordHealthy() {
  const recorder = createRecorder();
  for (let index = 0; index < 350; index += 1) recorder.succeeded("GET /api/items", 1.5, true);
  for (let index = 0; index < 100; index += 1) recorder.succeeded("GET /api/items/:id", 2, true);
  for (let index = 0; index < 50; index += 1) recorder.succeeded("POST /api/orders", 20, true);
  return recorder;
}

describe("the table", () => {
  test("of a healthy service is this, and what it means", () => {
    expect(renderResults(recordHealthy().results(RUN))).toEqual([
      "endpoint            requests  errors  rate/s  p50 ms  p90 ms  p99 ms  max ms",
      "──────────────────  ────────  ──────  ──────  ──────  ──────  ──────  ──────",
      "GET /api/items           350       0    35.0    1.50    1.50    1.50    1.50",
      "GET /api/items/:id       100       0    10.0    2.00    2.00    2.00    2.00",
      "POST /api/orders          50       0    5.00    20.0    20.0    20.0    20.0",
      "total                    500       0    50.0    1.50    2.00    20.0    20.0",
      "",
      HOW_TO_READ,
    ]);
  });

  test("of a broken service says what failed, the most frequent first, and counts it as asked", () => {
    const recorder = recordHealthy();
    recorder.failed("POST /api/orders", "no answer within 30 s");
    for (let index = 0; index < 12; index += 1) recorder.failed("GET /api/items", "status 503");
    const lines = renderResults(recorder.results(RUN));
    expect(lines[2]).toStartWith("GET /api/items           362      12    35.0 ");
    expect(lines[5]).toStartWith("total                    513      13    50.0 ");
    expect(lines.slice(6)).toEqual([
      "",
      "endpoint          errors  cause",
      "────────────────  ──────  ─────────────────────",
      "GET /api/items        12  status 503",
      "POST /api/orders       1  no answer within 30 s",
      "",
      HOW_TO_READ,
    ]);
  });

  test("has dashes where nothing succeeded", () => {
    const recorder = createRecorder();
    recorder.failed("GET /api/items", "connection refused");
    const lines = renderResults(recorder.results({ durationMs: 0, interrupted: true }));
    expect(lines[0]).toBe("Interrupted after 0.0 s.");
    expect(lines.find((line) => line.startsWith("GET /api/items "))).toMatch(
      /^GET \/api\/items +1 +1( +-){5}$/,
    );
  });

  test("counts the rate from what was answered in time, over the time that it took", () => {
    const recorder = createRecorder();
    for (let index = 0; index < 60; index += 1) recorder.succeeded("GET /api/items", 1, index < 45);
    const lines = renderResults(recorder.results({ durationMs: 3000, interrupted: true }));
    expect(lines[0]).toBe("Interrupted after 3.0 s.");
    expect(lines.at(-3)).toMatch(/^total +60 +0 +15\.0 /);
  });

  test("fits into 80 columns at the highest rate and the longest latencies", () => {
    const recorder = createRecorder();
    for (let index = 0; index < 100_000; index += 1)
      recorder.succeeded("GET /api/items/:id", 29_999, true);
    const lines = renderResults(recorder.results(RUN));
    expect(lines[5]).toContain(" 10000   29999   29999   29999   29999");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test.each([
    [0.0042, "0.00"],
    [9.994, "9.99"],
    [9.996, "10.0"],
    [99.94, "99.9"],
    [99.96, "100"],
    [1234.4, "1234"],
  ])("writes %d ms as %s", (latencyMs, text) => {
    const recorder = createRecorder();
    recorder.succeeded("GET /api/items", latencyMs, true);
    expect(renderResults(recorder.results(RUN))[5]).toEndWith(` ${text}`);
  });
});

describe("a process that is late itself", () => {
  const linesWith = (lateMs: readonly number[]) => {
    const recorder = recordHealthy();
    for (const ms of lateMs) recorder.wokeUp(ms);
    return renderResults(recorder.results(RUN));
  };

  test("says so, and by how much", () => {
    const lines = linesWith(Array.from({ length: 100 }, () => 5.1));
    expect(lines.at(-2)).toContain("by up to 5.10 ms");
    expect(lines.at(-1)).toContain("--rate");
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test.each([
    ["it is by as much as may be", Array.from({ length: 100 }, () => 5)],
    ["it happened once in a hundred times", [...Array.from({ length: 99 }, () => 0.5), 80]],
    ["it never waited", []],
  ])("says nothing if %s", (_, lateMs) => {
    expect(linesWith(lateMs).at(-1)).toBe(HOW_TO_READ);
  });
});
