import { describe, expect, test } from "bun:test";
import { alert, rule, SERVICE_NAME, START_MS, sample } from "../../test/support/fixtures.ts";
import { detect, fingerprint, mostUrgent } from "./alert-state.ts";
import type { Alert, Evaluation, Rule, Sample } from "../core/model.ts";

const QUIET: Evaluation = { kind: "inactive", value: 0.1, measured: [sample(0.1)] };
const MISSING: Evaluation = { kind: "no_data", reason: "there are no samples" };

function active(...samples: readonly Sample[]): Evaluation {
  return { kind: "active", samples, measured: undefined };
}

/** The states after the last of the polls; each comes with its second. */
function after(of: Rule, polls: readonly (readonly [number, Evaluation])[]): readonly Alert[] {
  return polls.reduce<readonly Alert[]>(
    (alerts, [second, evaluation]) =>
      detect(alerts, [{ rule: of, evaluation }], START_MS + second * 1000),
    [],
  );
}

/** The state at each of the polls, of a rule with one label set. */
function states(of: Rule, polls: readonly (readonly [number, Evaluation])[]): string[] {
  return polls.map((_, index) => after(of, polls.slice(0, index + 1))[0]?.state ?? "none");
}

describe("for, as in Prometheus", () => {
  const waits = rule({ forMs: 10_000 });
  const hot = active(sample(1));
  const cases: readonly (readonly [
    string,
    Rule,
    readonly (readonly [number, Evaluation])[],
    string[],
  ])[] = [
    [
      "without it, an alert fires at once",
      rule(),
      [
        [0, QUIET],
        [5, hot],
      ],
      ["inactive", "firing"],
    ],
    [
      "it fires when that has passed to the millisecond",
      waits,
      [
        [0, hot],
        [10, hot],
      ],
      ["pending", "firing"],
    ],
    [
      "and not a millisecond before",
      waits,
      [
        [0, hot],
        [9.999, hot],
        [10, hot],
      ],
      ["pending", "pending", "firing"],
    ],
    [
      "a quiet poll starts it anew",
      waits,
      [
        [0, hot],
        [5, QUIET],
        [10, hot],
        [15, hot],
        [20, hot],
      ],
      ["pending", "inactive", "pending", "pending", "firing"],
    ],
    [
      "missing data starts it anew",
      waits,
      [
        [0, hot],
        [5, MISSING],
        [10, hot],
        [19.999, hot],
      ],
      ["pending", "no_data", "pending", "pending"],
    ],
    [
      "a firing alert resolves on the first quiet poll",
      waits,
      [
        [0, hot],
        [10, hot],
        [15, QUIET],
      ],
      ["pending", "firing", "inactive"],
    ],
  ];
  test.each(cases)("%s", (_, of, polls, expected) => {
    expect(states(of, polls)).toEqual(expected);
  });

  test("pending and firing know since when", () => {
    const polls = [
      [0, hot],
      [5, hot],
      [10, hot],
      [15, hot],
    ] as const;
    expect(after(waits, polls.slice(0, 2))).toMatchObject([
      { activeAtMs: START_MS, firingAtMs: undefined },
    ]);
    expect(after(waits, polls)).toMatchObject([
      { activeAtMs: START_MS, firingAtMs: START_MS + 10_000, value: 1 },
    ]);
  });
});

describe("keep_firing_for, as in Prometheus", () => {
  const keeps = rule({ keepFiringForMs: 10_000 });
  const hot = active(sample(1));
  const cases: readonly (readonly [
    string,
    Rule,
    readonly (readonly [number, Evaluation])[],
    string[],
  ])[] = [
    // Counted from the first quiet poll, not from the last active one.
    [
      "it ends that long after the first quiet poll",
      keeps,
      [
        [0, hot],
        [5, QUIET],
        [14.999, QUIET],
        [15, QUIET],
      ],
      ["firing", "firing", "firing", "inactive"],
    ],
    [
      "the condition in between starts it anew",
      keeps,
      [
        [0, hot],
        [5, QUIET],
        [10, hot],
        [15, QUIET],
        [24.999, QUIET],
        [25, QUIET],
      ],
      ["firing", "firing", "firing", "firing", "firing", "inactive"],
    ],
    [
      "a pending alert is not kept",
      rule({ forMs: 10_000, keepFiringForMs: 10_000 }),
      [
        [0, hot],
        [5, QUIET],
      ],
      ["pending", "inactive"],
    ],
    [
      "missing data is not quiet",
      keeps,
      [
        [0, hot],
        [5, MISSING],
        [60, MISSING],
      ],
      ["firing", "no_data", "no_data"],
    ],
  ];
  test.each(cases)("%s", (_, of, polls, expected) => {
    expect(states(of, polls)).toEqual(expected);
  });
});

describe("missing data suspends a firing alert", () => {
  const waits = rule({ forMs: 10_000 });
  const hot = active(sample(1));
  const fired = [
    [0, hot],
    [10, hot],
    [15, MISSING],
  ] as const;

  test("it is neither firing nor resolved, and says why", () => {
    expect(after(waits, fired)).toEqual([
      {
        rule: waits,
        labels: { severity: "high", service: SERVICE_NAME, alertname: "HighCpu" },
        state: "no_data",
        value: 1,
        activeAtMs: START_MS,
        firingAtMs: START_MS + 10_000,
        quietSinceMs: undefined,
        noDataReason: "there are no samples",
      },
    ]);
  });

  test("it fires again at once when the data is back: it is the same firing", () => {
    const [back, ...others] = after(waits, [...fired, [20, MISSING], [25, hot]]);
    expect(others).toEqual([]);
    expect(back).toMatchObject({ state: "firing", firingAtMs: START_MS + 10_000 });
    expect(back).not.toHaveProperty("noDataReason");
  });

  test("it resolves when the data is back and quiet", () => {
    expect(after(waits, [...fired, [20, QUIET]])).toMatchObject([
      { state: "inactive", firingAtMs: undefined },
    ]);
  });
});

describe("label sets", () => {
  const a = sample(1, { instance: "a" });
  const b = sample(2, { instance: "b" });
  const of = rule({ forMs: 10_000 });

  test("each has a state of its own", () => {
    const alerts = after(of, [
      [0, active(a)],
      [5, active(a, b)],
      [10, active(a, b)],
    ]);
    expect(alerts.map(({ state, labels }) => [labels["instance"], state])).toEqual([
      ["a", "firing"],
      ["b", "pending"],
    ]);
  });

  test("one that ends leaves the others", () => {
    const alerts = after(of, [
      [0, active(a, b)],
      [10, active(a, b)],
      [15, active(b)],
    ]);
    expect(alerts).toMatchObject([{ state: "firing", labels: { instance: "b" } }]);
  });

  test("the rule's labels win, the metric's name goes, the alert's is added", () => {
    const named = sample(1, { __name__: "cpu", severity: "low", instance: "a" });
    expect(after(rule(), [[0, active(named)]])[0]?.labels).toEqual({
      severity: "high",
      service: SERVICE_NAME,
      instance: "a",
      alertname: "HighCpu",
    });
  });

  test("their order does not matter, their values do", () => {
    expect(fingerprint({ a: "1", b: "2" })).toBe(fingerprint({ b: "2", a: "1" }));
    expect(fingerprint({ a: "1", b: "2" })).not.toBe(fingerprint({ a: "2", b: "1" }));
    expect(fingerprint({ a: '1","b":"2' })).not.toBe(fingerprint({ a: "1", b: "2" }));
    expect(fingerprint({ a: "1" })).not.toBe(fingerprint({ b: "1" }));
    // Each of these pairs would read the same if the lengths of values, or of names, were left out.
    expect(fingerprint({ a: "v1:b:w" })).not.toBe(fingerprint({ a: "v", b: "w" }));
    expect(fingerprint({ x: "vvv:yyyyyy1:z" })).not.toBe(fingerprint({ x1: "vvv", yyyyyy: "z" }));
  });

  test("two rules of one name are two alerts", () => {
    const [first, second] = [rule(), rule({ expr: "cpu > 0.9" })];
    const alerts = detect(
      [],
      [
        { rule: first, evaluation: active(a) },
        { rule: second, evaluation: QUIET },
      ],
      START_MS,
    );
    expect(alerts.map(({ state }) => state)).toEqual(["firing", "inactive"]);
  });
});

describe("the most urgent", () => {
  const critical = alert({ rule: rule({ severity: "critical" }), firingAtMs: START_MS + 5 });
  const high = alert({ firingAtMs: START_MS });
  const later = alert({ firingAtMs: START_MS + 1 });
  const cases: readonly (readonly [string, readonly Alert[], Alert | undefined])[] = [
    ["is the most severe, though another has fired longer", [high, critical], critical],
    ["is the one that has fired longer among equals", [later, high], high],
    ["is none of those that only wait", [alert({ state: "pending" })], undefined],
    ["is none of those without data", [alert({ state: "no_data" })], undefined],
    ["is none of none", [], undefined],
  ];
  test.each(cases)("%s", (_, alerts, expected) => {
    expect(mostUrgent(alerts)).toBe(expected);
  });
});
