import { describe, expect, test } from "bun:test";
import { service } from "../../test/support/fixtures.ts";
import { builtInRules, type MadeRule } from "./built-in-rules.ts";
import { readService } from "./conventions/find.ts";
import { readRule } from "./rules.ts";

const thresholds = { cpu: 0.5, latencySeconds: 2, memoryBytes: 500, errorRatio: 0.05 };

function rules(...series: readonly Readonly<Record<string, string>>[]): MadeRule[] {
  const { signals } = readService(series);
  return builtInRules({ service: service({ job: "j" }), thresholds, windowMs: 20_000, signals });
}

const named = (made: readonly MadeRule[], name: string) =>
  made.filter(({ alert }) => alert === name);

describe("the built-in rules of a service", () => {
  test("measure what its metrics are called", () => {
    const made = rules(
      { __name__: "http_server_duration_milliseconds_bucket" },
      { __name__: "http_server_duration_milliseconds_count", http_status_code: "200" },
      { __name__: "jvm_memory_used_bytes" },
    );
    expect(named(made, "HighLatency")[0]?.expr).toBe(
      'histogram_quantile(0.9, sum(rate(http_server_duration_milliseconds_bucket{job="j"}[20s])) by (le)) / 1000 > 2',
    );
    const [errors] = named(made, "HighErrorRatio");
    expect(errors?.expr).toStartWith(
      '(sum(rate(http_server_duration_milliseconds_count{job="j",http_status_code=~"5.."}[20s])) or 0 * ',
    );
    expect(errors?.expr).toEndWith('{job="j",http_status_code=~"5.."}[20s])) >= 3');
    expect(readRule(errors ?? { alert: "", expr: "" }, "x").signal?.threshold).toBe(0.05);
  });

  test("say why one cannot be answered", () => {
    const made = rules({ __name__: "process_cpu_seconds_total" });
    expect(
      made.flatMap(({ alert, unreadable }) => (unreadable ? [`${alert}: ${unreadable}`] : [])),
    ).toEqual([
      "HighLatency: it has no metric of durations of requests that is known",
      "HighErrorRatio: it has no metric of failed requests that is known",
      "HighMemory: no metric tells the memory of its process",
      "CrashLoop: no metric tells when its process started",
    ]);
  });

  test("speak of a mean where it is one", () => {
    const metric = "http_server_requests_seconds";
    const [made] = named(
      rules({ __name__: `${metric}_sum` }, { __name__: `${metric}_count`, status: "200" }),
      "HighLatency",
    );
    expect(made?.annotations?.["summary"]).toContain("on average");
  });

  test("restart nothing for an exporter that is down, but for what it cannot reach", () => {
    const down = named(
      rules({ __name__: "redis_up" }, { __name__: "process_cpu_seconds_total" }),
      "TargetDown",
    );
    expect(
      down.map(({ expr, annotations }) => [expr, annotations?.["sentinel_actions"] ?? "nothing"]),
    ).toEqual([
      ['redis_up{job="j"} == 0', "restart, create, start"],
      ['up{job="j"} == 0', "nothing"],
      ['absent(up{job="j"})', "nothing"],
    ]);
  });

  test("count restarts by an uptime that begins again, where there is no start time", () => {
    const [loop] = named(rules({ __name__: "process_uptime_seconds" }), "CrashLoop");
    expect(loop?.expr).toBe('resets(process_uptime_seconds{job="j"}[10m]) > 3');
  });
});
