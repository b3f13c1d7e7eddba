import { describe, expect, test } from "bun:test";
import { service } from "../../test/support/fixtures.ts";
import { readRuleFile } from "../../test/support/rule-file.ts";
import { ACTION_IDS } from "../allowlist.ts";
import { formatDuration, parseDuration } from "../core/duration.ts";
import { SentinelError } from "../core/errors.ts";
import type { RuleSignal } from "../core/model.ts";
import { builtInRules } from "./built-in-rules.ts";
import { CRASH_LOOP_ALERT, readRule, withoutReplaced } from "./rules.ts";

const thresholds = { cpu: 0.5, latencySeconds: 2, memoryBytes: 524_288_000, errorRatio: 0.05 };

/** The message and the hint of what is thrown. */
function failure(work: () => unknown): string {
  try {
    return `it was read: ${JSON.stringify(work())}`;
  } catch (thrown) {
    if (!(thrown instanceof SentinelError)) throw thrown;
    expect(thrown.code).toBe("configuration");
    return [thrown.message, thrown.hint].filter((part) => part !== undefined).join(" | ");
  }
}

function signal(expr: string): RuleSignal | undefined {
  return readRule({ alert: "A", expr }, "a.yml").signal;
}

describe("the built-in rules", () => {
  const sources = builtInRules({ service: service(), thresholds, windowMs: 20_000 });
  const rules = sources.map((source) => readRule(source, "built-in rules"));

  test("are read, one for each fault, in order", () => {
    expect(
      rules.map(({ alert, signal: of, forMs, severity, permits }) =>
        [
          alert,
          of ? `${of.operator} ${of.threshold}` : "-",
          forMs,
          severity,
          permits.join(" ") || "-",
        ].join(", "),
      ),
    ).toEqual([
      "HighCpu, > 0.5, 0, high, restart",
      "HighLatency, > 2, 0, high, restart",
      "HighErrorRatio, > 0.05, 0, high, restart",
      "HighMemory, > 524288000, 5000, high, restart",
      "TargetDown, == 0, 5000, critical, restart create start",
      "TargetDown, -, 30000, critical, -",
      "CrashLoop, > 3, 0, critical, -",
      "MemoryFilling, > 524288000, 120000, medium, -",
    ]);
    expect(rules.map(({ alert }) => alert)).toContain(CRASH_LOOP_ALERT);
  });

  test("permit no stop", () => {
    expect(rules.flatMap(({ permits }) => permits).join()).not.toContain("stop");
  });

  test("measure their own job over their window", () => {
    for (const { expr } of rules) expect(expr).toContain('job="sentinel-target-api"');
    expect(rules[0]?.signal?.expr).toBe(
      'rate(process_cpu_seconds_total{job="sentinel-target-api"}[20s])',
    );
    expect(rules[1]?.expr).toStartWith("histogram_quantile(0.9, sum(rate(");
  });

  test("survive a job of any name", () => {
    const job = 'a"} or vector(1) # \\ \n';
    for (const source of builtInRules({ service: service({ job }), thresholds, windowMs: 1500 })) {
      const read = readRule(source, "built-in rules");
      expect(read.expr).toContain(JSON.stringify(job));
      expect(read.signal === undefined).toBe(read.expr.startsWith("absent("));
    }
  });
});

describe("the measured side of an expression", () => {
  const cases: readonly (readonly [string, string, string | undefined])[] = [
    ["a comparison", "A > 5", "A > 5"],
    ["each operator", "A <= 0.5", "A <= 0.5"],
    ["an equation", "up == 0", "up == 0"],
    ["a negative threshold", "A < -5", "A < -5"],
    ["a threshold with an exponent", "A > 5e8", "A > 500000000"],
    ["a threshold that is calculated", "A > 500 * 1024 ^ 2", "A > 524288000"],
    ["a threshold in brackets", "A > (1 + 1) / 4", "A > 0.5"],
    ["a duration as a threshold, which is a number of seconds", "A > 1h30m", "A > 5400"],
    ["with a condition", "A > 5 and B > 1", "A > 5"],
    ["with an exception", "A > 5 unless B", "A > 5"],
    ["with two conditions", "A > 5 and B and C", "A > 5"],
    ["in brackets", "((A) > 5) and (B)", "(A) > 5"],
    ["of a calculation", "sum(A) by (x) / sum(B) by (x) > 5", "sum(A) by (x) / sum(B) by (x) > 5"],
    ["after a comment", "# of requests\nA > 5 # too many", "A > 5"],
    ["not of bool, which is never empty", "A > bool 5", undefined],
    ["not of either", "A > 5 or B > 6", undefined],
    ["not of two series", "A > B", undefined],
    ["not with the number in front", "5 < A", undefined],
    ["not of absence", "absent(A)", undefined],
    ["not of a selector", "A", undefined],
    ["not of a threshold that is none", "A > 1 / 0", undefined],
  ];
  test.each(cases)("%s", (_, expr, expected) => {
    const read = signal(expr);
    expect(read && `${read.expr} ${read.operator} ${read.threshold}`).toBe(expected);
  });
});

describe("a rule that cannot be read", () => {
  const rule = { alert: "A", expr: "A > 5" };
  const cases: readonly (readonly [string, Parameters<typeof readRule>[0], string])[] = [
    [
      "names the place in the expression",
      { ...rule, expr: "sum(A > 5" },
      "a.yml: alert A: expr sum(A > 5: 1:10: parse error: unclosed left parenthesis",
    ],
    [
      "has an expression at all",
      { ...rule, expr: "" },
      "a.yml: alert A: expr : 1:1: parse error: no expression found in input",
    ],
    [
      "shows a duration",
      { ...rule, for: "5 minutes" },
      'a.yml: alert A: for is "5 minutes" | Write a duration such as 10s or 1m30s.',
    ],
    [
      "names keep_firing_for",
      { ...rule, keep_firing_for: "-1s" },
      'a.yml: alert A: keep_firing_for is "-1s" | Write a duration such as 10s or 1m30s.',
    ],
    [
      "lists the effects and the ids there are",
      { ...rule, annotations: { sentinel_actions: "docker-restart, reboot" } },
      `a.yml: alert A: sentinel_actions has reboot | Write effects (restart, start, create, stop, rollback) or ids (${ACTION_IDS.join(", ")}).`,
    ],
    [
      "takes no spelling for an id",
      { ...rule, annotations: { sentinel_actions: "docker compose restart" } },
      `a.yml: alert A: sentinel_actions has docker compose restart | Write effects (restart, start, create, stop, rollback) or ids (${ACTION_IDS.join(", ")}).`,
    ],
  ];
  test.each(cases)("%s", (_, source, expected) => {
    expect(failure(() => readRule(source, "a.yml"))).toBe(expected);
  });

  test("a severity that is none of ours waits for a person", () => {
    expect(readRule({ ...rule, labels: { severity: "page" } }, "a.yml").severity).toBe("medium");
    expect(readRule(rule, "a.yml").severity).toBe("medium");
  });

  test("without a word it permits nothing; effects and ids stay as they are, in their order", () => {
    const permits = (sentinel_actions: string) =>
      readRule({ ...rule, annotations: { sentinel_actions } }, "a.yml").permits;
    expect(permits("")).toEqual([]);
    expect(permits(" , ")).toEqual([]);
    expect(permits("compose-up,docker-restart ")).toEqual(["compose-up", "docker-restart"]);
    expect(permits("start, docker-restart,restart")).toEqual([
      "start",
      "docker-restart",
      "restart",
    ]);
  });
});

describe("a rule file", () => {
  const group = (...rules: unknown[]) => ({ groups: [{ name: "g", rules }] });

  test("gives its alerting rules, with the labels of their groups", () => {
    const file = {
      groups: [
        {
          name: "g",
          interval: "30s",
          labels: { team: "a", severity: "low" },
          rules: [
            { record: "job:up", expr: "up" },
            { alert: "A", expr: 1, for: "5m", labels: { severity: "high" } },
          ],
        },
        { name: "empty" },
      ],
    };
    expect(readRuleFile(file, "a.yml")).toEqual([
      { alert: "A", expr: "1", for: "5m", labels: { team: "a", severity: "high" } },
    ]);
  });

  const FORM = "It must be a Prometheus rule file: groups, each with a name and rules.";
  const cases: readonly (readonly [string, unknown, string])[] = [
    ["a list", [], `a.yml: the file must be a map of keys and values, not a list | ${FORM}`],
    ["a group without a name", { groups: [{ rules: [] }] }, "a.yml: group 1: name is missing"],
    [
      "a group's name twice",
      { groups: [{ name: "g" }, { name: "g" }] },
      "a.yml: group g: another group of this file has the same name",
    ],
    [
      "a rule without an expression",
      group({ alert: "A" }),
      "a.yml: group g, rule A: expr is missing",
    ],
    [
      "a key that is none",
      group({ alert: "A", exprr: "A > 5", expr: "A" }),
      "a.yml: group g, rule A: unknown key exprr | Did you mean expr?",
    ],
    [
      "neither an alert nor a record",
      group({ expr: "A" }),
      "a.yml: group g, rule 1: alert or record is missing",
    ],
    [
      "both",
      group({ expr: "A", alert: "A", record: "b" }),
      "a.yml: group g, rule A: it has both alert and record, and is either",
    ],
    [
      "a for that is a number",
      group({ alert: "A", expr: "A", for: 5 }),
      'a.yml: group g, rule A: for is "5" | Write a duration such as 10s or 1m30s.',
    ],
    [
      "the label of the metric's name",
      group({ alert: "A", expr: "A", labels: { __name__: "c" } }),
      "a.yml: group g, rule A: the label __name__ is the name of the metric",
    ],
    [
      "a recording rule with a for",
      group({ record: "r", expr: "A", for: "5s" }),
      "a.yml: group g, rule r: a recording rule has no for",
    ],
  ];
  test.each(cases)("%s is said in one line", (_, file, expected) => {
    expect(failure(() => readRuleFile(file, "a.yml"))).toBe(expected);
  });

  test("replaces built-in rules by name, all of that name", () => {
    const builtIn = builtInRules({ service: service(), thresholds, windowMs: 20_000 });
    const own = [
      { alert: "TargetDown", expr: "up < 1" },
      { alert: "Mine", expr: "A > 5" },
    ];
    expect(withoutReplaced(builtIn, own).map(({ alert }) => alert)).toEqual([
      "HighCpu",
      "HighLatency",
      "HighErrorRatio",
      "HighMemory",
      "CrashLoop",
      "MemoryFilling",
    ]);
    expect(withoutReplaced(builtIn, [])).toEqual(builtIn);
  });
});

describe("durations", () => {
  const cases: readonly (readonly [string, number])[] = [
    ["0", 0],
    ["0s", 0],
    ["5s", 5000],
    ["1m30s", 90_000],
    ["100ms", 100],
    ["1h", 3_600_000],
    ["1d", 86_400_000],
    ["1w", 604_800_000],
    ["1y", 31_536_000_000],
    ["1s1ms", 1001],
  ];
  test.each(cases)("%s", (text, expected) => {
    expect(parseDuration(text, "for")).toBe(expected);
  });

  test.each(["", " ", "5", "5S", "5s ", "1.5s", "s", "30s1m", "5s5s", "-5s", "∞"])(
    "%j is none",
    (text) => {
      expect(failure(() => parseDuration(text, "for"))).toStartWith(
        `for is ${JSON.stringify(text)}`,
      );
    },
  );

  test.each([
    [20_000, "20s"],
    [1500, "1500ms"],
    [4000, "4s"],
    [0, "0s"],
    [60_000, "60s"],
  ] as const)("%d ms are written so that they are read again", (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
    expect(parseDuration(text, "for")).toBe(durationMs);
  });
});
