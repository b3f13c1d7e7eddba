/** What holds for every SignalSource, on a target that it really scrapes. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { SentinelError } from "../../src/core/errors.ts";
import type { Sample } from "../../src/core/model.ts";
import type { SignalSource } from "../../src/core/ports.ts";
import { NEVER } from "../support/fixtures.ts";
import type { Scrape } from "../support/prometheus.ts";

export type { Scrape };

/** A source under test, that scrapes until it is disposed of. */
export interface RunningSource extends AsyncDisposable {
  readonly source: SignalSource;
}

const INTERVAL_MS = 250;
const JOB = "shop";
/** A busy machine scrapes late: generous, for what is there after two scrapes. */
const PATIENCE_MS = 15_000;

const METRICS = (scrapes: number) => `# TYPE stock gauge
stock{shelf="a"} 3
stock{shelf="b"} 7
# TYPE scrapes_total counter
scrapes_total ${scrapes}
# TYPE odd gauge
odd{kind="nan"} NaN
odd{kind="inf"} +Inf
odd{kind="minus_inf"} -Inf
odd{kind="tiny"} 5e-324
# TYPE took_seconds histogram
took_seconds_bucket{le="1"} ${9 * scrapes}
took_seconds_bucket{le="2"} ${10 * scrapes}
took_seconds_bucket{le="+Inf"} ${10 * scrapes}
took_seconds_sum ${scrapes}
took_seconds_count ${10 * scrapes}
`;

/**
 * Registers the tests; call it within a `describe`.
 *
 * @param start a source that scrapes this job, and nothing else
 */
export function signalSourceContract(start: (scrape: Scrape) => Promise<RunningSource>): void {
  let scrapes = 0;
  let target: Bun.Server<undefined>;
  let running: RunningSource;
  let source: SignalSource;

  beforeAll(async () => {
    target = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch() {
        scrapes += 1;
        return new Response(METRICS(scrapes), { headers: { "content-type": "text/plain" } });
      },
    });
    running = await start({ job: JOB, url: target.url.origin, intervalMs: INTERVAL_MS });
    source = running.source;
    await eventually(`changes(scrapes_total{job="${JOB}"}[1m]) >= 4`, (found) => found.length > 0);
  }, 2 * PATIENCE_MS);

  afterAll(async () => {
    await running[Symbol.asyncDispose]();
    await target.stop(true);
  });

  const values = async (expr: string): Promise<number[]> =>
    (await source.query(expr, NEVER)).map(({ value }) => value).toSorted((a, b) => a - b);

  async function eventually(expr: string, holds: (found: readonly Sample[]) => boolean) {
    const untilMs = performance.now() + PATIENCE_MS;
    for (;;) {
      const found = await source.query(expr, NEVER);
      if (holds(found)) return;
      if (performance.now() > untilMs) throw new Error(`${expr} stays ${JSON.stringify(found)}`);
      await Bun.sleep(50);
    }
  }

  async function code(answer: Promise<unknown>): Promise<string> {
    const thrown = await answer.then(
      (value) => new Error(`it answered ${JSON.stringify(value)}`),
      (error: unknown) => error,
    );
    if (thrown instanceof SentinelError) return thrown.code;
    throw thrown;
  }

  test("a sample has its labels, its value and the present as its time", async () => {
    const [found, ...more] = await source.query('stock{shelf="a"}', NEVER);
    expect(more).toEqual([]);
    const instance = new URL(target.url).host;
    expect(found).toEqual({
      labels: { __name__: "stock", job: JOB, instance, shelf: "a" },
      value: 3,
      timestampMs: expect.any(Number),
    });
    expect(Number.isInteger(found?.timestampMs)).toBe(true);
    // The source runs on this machine.
    expect(Math.abs((found?.timestampMs ?? 0) - Date.now())).toBeLessThan(PATIENCE_MS);
  });

  test.each([
    ["stock", [3, 7]],
    ["stock > 5", [7]],
    ["stock > 7", []],
    ["sum(stock)", [10]],
    [`up{job="${JOB}"} == 1`, [1]],
    [`up{job="${JOB}"} == 0`, []],
    ["absent(stock)", []],
    ['absent(up{job="nobody"})', [1]],
    ["nothing_of_that_name", []],
    ["1 + 1", [2]],
    ["vector(1)", [1]],
  ])("%s is %j", async (expr, expected) => {
    expect(await values(expr)).toEqual(expected);
  });

  test("a rate counts by the second", async () => {
    const [perSecond = 0] = await values("rate(scrapes_total[10s])");
    expect(perSecond).toBeGreaterThan(0);
    expect(perSecond).toBeLessThan((2 * 1000) / INTERVAL_MS);
  });

  test("a quantile comes from the buckets: 9 of 10 took up to 1 s", async () => {
    const buckets = "sum by (le) (rate(took_seconds_bucket[10s]))";
    const [p90 = 0, ...more] = await values(`histogram_quantile(0.9, ${buckets})`);
    expect(more).toEqual([]);
    // A rate is extrapolated, so the last digits are not its own.
    expect(p90).toBeCloseTo(1, 9);
  });

  test("NaN, the infinities and the smallest number stay what they are", async () => {
    const found = await source.query("odd", NEVER);
    const byKind = Object.fromEntries(found.map(({ labels, value }) => [labels["kind"], value]));
    expect(byKind).toEqual({
      nan: Number.NaN,
      inf: Number.POSITIVE_INFINITY,
      minus_inf: Number.NEGATIVE_INFINITY,
      tiny: Number.MIN_VALUE,
    });
  });

  test("a scalar is one sample without labels: the present, in seconds", async () => {
    const [found, ...more] = await source.query("time()", NEVER);
    expect(more).toEqual([]);
    expect(found?.labels).toEqual({});
    expect(Math.abs((found?.value ?? 0) * 1000 - Date.now())).toBeLessThan(PATIENCE_MS);
  });

  test("a range has its points in order, a step apart, up to the present", async () => {
    const span = { durationMs: 5000, stepMs: 500 };
    const [series, ...more] = await source.range('stock{shelf="b"} * 2', span, NEVER);
    expect(more).toEqual([]);
    expect(series?.labels).toEqual({ job: JOB, instance: new URL(target.url).host, shelf: "b" });
    const points = series?.points ?? [];
    expect(points.length).toBeGreaterThan(0);
    expect(points.length).toBeLessThanOrEqual(11);
    expect(points.every(({ value }) => value === 14)).toBe(true);
    const times = points.map(({ timestampMs }) => timestampMs);
    const first = times[0] ?? 0;
    // A scrape that comes too late on a busy machine leaves a gap.
    expect(times).toEqual([...new Set(times)].toSorted((a, b) => a - b));
    expect(times.filter((timeMs) => (timeMs - first) % span.stepMs !== 0)).toEqual([]);
    expect(Math.abs((times.at(-1) ?? 0) - Date.now())).toBeLessThan(PATIENCE_MS);
  });

  test("a range of a scalar is one series; of nothing, none", async () => {
    const span = { durationMs: 2000, stepMs: 1000 };
    const [series] = await source.range("1 + 1", span, NEVER);
    expect(series?.labels).toEqual({});
    expect(series?.points.map(({ value }) => value)).toEqual([2, 2, 2]);
    expect(await source.range("nothing_of_that_name", span, NEVER)).toEqual([]);
  });

  test("it tells at which interval a job is scraped, and of an unknown one nothing", async () => {
    expect(await source.scrapeIntervalMs(JOB, NEVER)).toBe(INTERVAL_MS);
    expect(await source.scrapeIntervalMs("nobody", NEVER)).toBeUndefined();
    expect(await source.scrapeIntervalMs("", NEVER)).toBeUndefined();
  });

  test.each([
    "",
    "up{",
    "up ==",
    "rate(up)",
    "nosuchfunction(up)",
    "stock[5s]",
    '"text"',
    'label_replace(up, "a", "$1", "job", "(((")',
    // Many matches on one side: only the evaluation finds out.
    "up * on(job) stock",
  ])("%j is rejected, and that says nothing of the source", async (expr) => {
    expect(await code(source.query(expr, NEVER))).toBe("source_rejected");
    expect(await values("1")).toEqual([1]);
  });

  test("a range is rejected for the same reasons", async () => {
    const span = { durationMs: 2000, stepMs: 1000 };
    expect(await code(source.range("up{", span, NEVER))).toBe("source_rejected");
  });

  test("a caller that has cancelled gets an error of the source", async () => {
    expect(await code(source.query("up", AbortSignal.abort()))).toStartWith("source_");
    expect(
      await code(source.range("up", { durationMs: 1000, stepMs: 1000 }, AbortSignal.abort())),
    ).toStartWith("source_");
  });

  // The last: the target does not come back.
  test(
    "a target that is gone is down, and its series end instead of staying as they were",
    async () => {
      await target.stop(true);
      await eventually(`up{job="${JOB}"} == 0`, (found) => found.length === 1);
      await eventually("stock", (found) => found.length === 0);
      expect(await values("absent(stock)")).toEqual([1]);
    },
    3 * PATIENCE_MS,
  );
}
