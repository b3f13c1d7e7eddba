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
      "HighLatency: none of its metrics is one of requests that is known",
      "HighErrorRatio: none of its metrics is one of requests that is known",
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
      down.map(({ expr, labels, annotations }) => [
        expr,
        labels?.["severity"],
        annotations?.["sentinel_actions"] ?? "nothing",
      ]),
    ).toEqual([
      ['redis_up{job="j"} == 0', "critical", "restart, create, start"],
      // Else its incident, which waits for a person, would stand before that of the service.
      ['up{job="j"} == 0', "high", "nothing"],
      ['absent(up{job="j"})', "critical", "nothing"],
    ]);
  });

  test("take an exporter for one before it has been seen, where the service has no metrics", () => {
    const of = (health: Parameters<typeof service>[0]) =>
      named(
        builtInRules({ service: service(health), thresholds, windowMs: 20_000 }),
        "TargetDown",
      ).map(({ expr, annotations }) => [
        expr.replace(/\{.*\}/, ""),
        annotations?.["sentinel_actions"],
      ]);
    const cures = "restart, create, start";
    expect(of({ health: { redis: "redis://localhost:6379" } })).toEqual([
      ["redis_up == 0", cures],
      ["up == 0", undefined],
      ["absent(up)", undefined],
    ]);
    expect(of({ health: { postgres: "postgres://localhost" } })[0]).toEqual(["pg_up == 0", cures]);
    expect(of({ health: { tcp: "tcp://localhost:1" } })[0]).toEqual(["up == 0", cures]);
  });

  test("count restarts by an uptime that begins again, where there is no start time", () => {
    const [loop] = named(rules({ __name__: "process_uptime_seconds" }), "CrashLoop");
    expect(loop?.expr).toBe('resets(process_uptime_seconds{job="j"}[10m]) > 3');
  });
});

describe("for a service with an objective", () => {
  const shop = service({ job: "shop", availability: 0.999 });
  const options = { service: shop, thresholds, windowMs: 20_000 };
  const named = (rules: readonly MadeRule[], alert: string) =>
    rules.find((one) => one.alert === alert);

  test("there is a rule on its budget, and one more where series are kept for days", () => {
    const budgets = (rules: readonly MadeRule[]) =>
      rules.map(({ alert }) => alert).filter((alert) => alert.startsWith("ErrorBudget"));
    expect(budgets(builtInRules(options))).toEqual(["ErrorBudgetBurn"]);
    expect(budgets(builtInRules({ ...options, keepsDays: true }))).toEqual([
      "ErrorBudgetBurn",
      "ErrorBudgetLeak",
    ]);
    expect(budgets(builtInRules({ ...options, service: service({ job: "shop" }) }))).toEqual([]);
  });

  test("it is read by the service's convention", () => {
    const { signals } = readService([
      { __name__: "http_server_requests_seconds_count", outcome: "SUCCESS" },
    ]);
    const { expr = "" } = named(builtInRules({ ...options, signals }), "ErrorBudgetBurn") ?? {};
    expect(expr).toContain('http_server_requests_seconds_count{job="shop"');
    expect(expr).toContain("[1h]");
    expect(expr).toContain("> 0.0144");
  });

  test("it says why it cannot be judged where no label tells errors", () => {
    const { signals } = readService([{ __name__: "http_requests_total" }]);
    const rule = named(builtInRules({ ...options, signals }), "ErrorBudgetBurn");
    expect(rule?.unreadable).toContain("no label");
  });
});

describe("memory that fills", () => {
  test("is a trend of one series, and of nothing else", () => {
    const one = readService([{ __name__: "process_resident_memory_bytes" }]);
    const many = readService([{ __name__: "jvm_memory_used_bytes", area: "heap" }]);
    const alerts = ({ signals }: typeof one) =>
      builtInRules({ service: service({ job: "j" }), thresholds, windowMs: 20_000, signals }).map(
        ({ alert }) => alert,
      );
    expect(alerts(one)).toContain("MemoryFilling");
    expect(alerts(many)).not.toContain("MemoryFilling");
  });
});
