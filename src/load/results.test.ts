import { describe, expect, test } from "bun:test";
import { createRecorder } from "./results.ts";

const RUN = { durationMs: 1000, interrupted: false };

describe("what is recorded", () => {
  test("is succeeded or failed, by endpoint and in total", () => {
    const recorder = createRecorder();
    recorder.succeeded("GET /api/items", 1, true);
    recorder.succeeded("GET /api/items", 2, false);
    recorder.succeeded("POST /api/orders", 3, true);
    recorder.failed("GET /api/items", "status 503");
    recorder.failed("POST /api/orders", "status 503");
    recorder.failed("POST /api/orders", "connection refused");
    const { endpoints, total } = recorder.results(RUN);
    expect(endpoints["GET /api/items"]).toMatchObject({ succeeded: 2, inTime: 1 });
    expect(endpoints["GET /api/items/:id"]).toMatchObject({ succeeded: 0, inTime: 0 });
    expect(endpoints["POST /api/orders"]).toMatchObject({ succeeded: 1, inTime: 1 });
    expect(total).toMatchObject({ succeeded: 3, inTime: 2 });
    expect([...total.failures]).toEqual([
      ["status 503", 2],
      ["connection refused", 1],
    ]);
    expect(endpoints["GET /api/items/:id"].failures.size).toBe(0);
  });

  test("has no latency where nothing succeeded", () => {
    const recorder = createRecorder();
    recorder.failed("GET /api/items", "status 500");
    const { latency } = recorder.results(RUN).endpoints["GET /api/items"];
    expect([latency.percentile(50), latency.percentile(100), latency.maxMs]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe("percentiles", () => {
  // The runtime's histogram is trusted with the table's figures, so it is held against sorted values.
  test.each([
    ["hundredths of a millisecond", (index: number) => 0.01 * (index + 1)],
    ["milliseconds", (index: number) => index + 1],
    ["a long tail", (index: number) => 1.0012 ** index],
    ["one value", () => 12.345],
  ])("of %s are at most 0.1 %% above the exact ones, and never below", (_, latencyAt) => {
    const recorder = createRecorder();
    const exact = Array.from({ length: 10_000 }, (_, index) => Math.round(latencyAt(index) * 1000));
    for (const micros of exact) recorder.succeeded("GET /api/items", micros / 1000, true);
    const { latency } = recorder.results(RUN).total;
    for (const percent of [0.1, 1, 25, 50, 90, 99, 99.9, 100]) {
      const expected = (exact[Math.round((percent / 100) * exact.length) - 1] ?? 0) / 1000;
      const ratio = (latency.percentile(percent) ?? Number.NaN) / expected;
      expect(ratio).toBeGreaterThanOrEqual(1);
      expect(ratio).toBeLessThan(1.001);
    }
    expect(latency.maxMs).toBe((exact.at(-1) ?? 0) / 1000);
  });

  test("are never above the maximum, and nothing is too fast or too slow to count", () => {
    const recorder = createRecorder();
    for (const latencyMs of [0, 0.0001, 700.001, 3_600_000])
      recorder.succeeded("POST /api/orders", latencyMs, true);
    const { succeeded, latency } = recorder.results(RUN).total;
    expect(succeeded).toBe(4);
    expect(latency.percentile(25)).toBe(0.001);
    expect(latency.percentile(100)).toBe(3_600_000);
    expect(latency.maxMs).toBe(3_600_000);
  });
});
