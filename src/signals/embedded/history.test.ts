import { describe, expect, test } from "bun:test";
import { SentinelError } from "../../core/errors.ts";
import { type HistoryRule, planHistory } from "./history.ts";
import { createSeriesStore } from "./store.ts";

const SECOND_MS = 1000;
const HOUR_MS = 3_600_000;

const rule = (expr: string, changes: Partial<HistoryRule> = {}): HistoryRule => ({
  expr,
  place: "a.yml:3: alert A",
  offsetMs: 0,
  ...changes,
});

const windowOf = (rules: readonly HistoryRule[], labels: Readonly<Record<string, string>>) =>
  planHistory(rules, SECOND_MS).windowOf(labels)?.durationMs;

describe("how long a series is kept", () => {
  const burn = rule('sum(rate(errors_total{job="a"}[6h])) > 1');

  test("as long as the rule that selects it looks back, and one scrape more", () => {
    expect(windowOf([burn], { __name__: "errors_total", job: "a" })).toBe(6 * HOUR_MS + SECOND_MS);
  });

  test("as all others if no rule selects it, or none looks back for longer", () => {
    expect(windowOf([burn], { __name__: "errors_total", job: "b" })).toBeUndefined();
    expect(windowOf([burn], { __name__: "up", job: "a" })).toBeUndefined();
    expect(windowOf([rule("rate(up[15m])")], { __name__: "up" })).toBeUndefined();
    expect(planHistory([rule("rate(up[15m])")], SECOND_MS).description).toBeUndefined();
  });

  test("as long as the longest of several", () => {
    const rules = [rule("rate(up[1h])"), burn, rule("max_over_time(up[2h:1m])")];
    expect(windowOf(rules, { __name__: "up" })).toBe(2 * HOUR_MS + 300 * SECOND_MS + SECOND_MS);
  });

  test("longer by what its group looks before the present", () => {
    const late = { ...rule("rate(up[1h])"), offsetMs: 60 * SECOND_MS };
    expect(windowOf([late], { __name__: "up" })).toBe(HOUR_MS + 61 * SECOND_MS);
  });

  test("is said, with what it takes", () => {
    expect(planHistory([burn], SECOND_MS).description).toBe(
      "15m of all series, up to 6h of those that rules look back on: up to 0.47 MB each, 256 MB at most for all of these",
    );
  });
});

describe("a rule that looks back for longer than memory holds", () => {
  const refusal = (...rules: readonly HistoryRule[]): string => {
    try {
      planHistory(rules, SECOND_MS);
      return "nothing";
    } catch (error) {
      if (!(error instanceof SentinelError)) throw error;
      return `${error.message} | ${error.hint}`;
    }
  };

  test("is refused by name, with what to do", () => {
    expect(refusal(rule("avg_over_time(up[30d]) < 0.99"))).toBe(
      "a.yml:3: alert A looks back 30d, and Sentinel keeps at most 17d of series with a sample each 1s | Look back less, record what it looks at in a group with a longer interval, raise POLL_INTERVAL, or set PROMETHEUS_URL to a Prometheus.",
    );
    expect(refusal(rule("up @ 1000 > 0"))).toStartWith(
      "a.yml:3: alert A looks back to a fixed time",
    );
  });

  test("is taken if what it looks at is recorded seldom enough", () => {
    const month = rule("avg_over_time(job:up:min[30d]) < 0.99");
    const records = { name: "job:up:min", intervalMs: 60 * SECOND_MS };
    const recording = rule("min by (job) (up)", { records });
    expect(refusal(month, recording)).toBe("nothing");
    expect(refusal(month)).toStartWith("a.yml:3: alert A looks back 30d");
  });
});

describe("a store with a history", () => {
  const history = planHistory([rule("increase(x_total[1h]) > 0")], SECOND_MS);

  test("answers from the whole range, and keeps what nobody looks back on as short as ever", () => {
    const store = createSeriesStore({ history });
    const long = store.open({ __name__: "x_total" });
    const short = store.open({ __name__: "y_total" });
    for (let second = 0; second <= 7200; second += 1)
      for (const series of [long, short]) if (series) store.append(series, second * 1000, second);
    expect(long?.oldestMs).toBe(3599 * SECOND_MS);
    expect(short?.oldestMs).toBe(6300 * SECOND_MS);
  });

  test("refuses series past its bound, gives room back, and takes others", () => {
    const store = createSeriesStore({ history, maxHistoryBytes: 200_000 });
    const open = (job: string) => store.open({ __name__: "x_total", job });
    const [first, second, third] = [open("a"), open("b"), open("c")];
    expect([first, second].every((one) => one !== undefined)).toBe(true);
    expect(third).toBeUndefined();
    expect(store.open({ __name__: "y_total" })).toBeDefined();
    if (first) store.remove(first);
    expect(open("c")).toBeDefined();
  });

  test("keeps for longer what a rule looks back on that came later, and removes what has no room", () => {
    const store = createSeriesStore({ maxHistoryBytes: 200_000 });
    const [first, second, third] = ["a", "b", "c"].map((job) =>
      store.open({ __name__: "x_total", job }),
    );
    const other = store.open({ __name__: "y_total" });
    store.setHistory(history);
    expect([first, second].map((one) => one?.window.durationMs)).toEqual([3601_000, 3601_000]);
    expect([first, second, third, other].map((one) => one?.removed)).toEqual([
      ...[false, false, true, false],
    ]);
    store.setHistory(planHistory([], SECOND_MS));
    expect(first?.window).toBe(store.window);
    store.setHistory(history);
    expect(store.open({ __name__: "x_total", job: "c" })).toBeUndefined();
  });

  test("forgets a series when its own window has passed", () => {
    const store = createSeriesStore({ history });
    const long = store.open({ __name__: "x_total" });
    if (long) store.append(long, 0, 1);
    store.removeExpired(HOUR_MS);
    expect(long?.removed).toBe(false);
    store.removeExpired(HOUR_MS + 2 * SECOND_MS);
    expect(long?.removed).toBe(true);
  });
});
