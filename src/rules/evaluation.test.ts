import { describe, expect, test } from "bun:test";
import { NEVER, rule, sample } from "../../test/support/fixtures.ts";
import { evaluate, evaluateRule, MAX_LABEL_SETS, narrow } from "./evaluation.ts";
import type { Evaluation, Sample } from "../core/model.ts";
import type { SignalSource } from "../core/ports.ts";
import { readSignal } from "./signal.ts";

const MISSING: Evaluation = { kind: "no_data", reason: "there are no samples" };

function holdsFor(measured: readonly Sample[], ...samples: readonly Sample[]): Evaluation {
  return { kind: "active", samples, measured };
}

describe("what the answers of the source mean", () => {
  const cases: readonly (readonly [
    string,
    readonly Sample[],
    readonly Sample[] | undefined,
    Evaluation,
  ])[] = [
    ["a sample is active", [sample(1)], [sample(1)], holdsFor([sample(1)], sample(1))],
    [
      "a zero that the rule holds for is active",
      [sample(0)],
      [sample(0)],
      holdsFor([sample(0)], sample(0)),
    ],
    ["several are all active", [sample(1), sample(2)], [], holdsFor([], sample(1), sample(2))],
    [
      "an infinite one among them is left out",
      [sample(Infinity), sample(2)],
      [],
      holdsFor([], sample(2)),
    ],
    [
      "an infinite one alone is no data",
      [sample(Infinity)],
      [],
      { kind: "no_data", reason: "the value is Infinity, not a number to act on" },
    ],
    [
      "NaN is no data",
      [sample(NaN)],
      undefined,
      { kind: "no_data", reason: "the value is NaN, not a number to act on" },
    ],
    [
      "a quiet one is inactive, with its greatest value",
      [],
      [sample(0.1), sample(0.3)],
      { kind: "inactive", value: 0.3, measured: [sample(0.1), sample(0.3)] },
    ],
    [
      "a quiet zero is inactive",
      [],
      [sample(0)],
      { kind: "inactive", value: 0, measured: [sample(0)] },
    ],
    [
      "NaN beside a quiet one was not measured",
      [],
      [sample(NaN), sample(0.3)],
      { kind: "inactive", value: 0.3, measured: [sample(0.3)] },
    ],
    [
      "NaN where it is measured is no data",
      [],
      [sample(NaN)],
      { kind: "no_data", reason: "the value is NaN: nothing was measured", isIdle: true },
    ],
    [
      "-Inf where it is measured is no data",
      [],
      [sample(-Infinity)],
      { kind: "no_data", reason: "the value is -Infinity: nothing was measured", isIdle: true },
    ],
    ["nothing where it is measured is no data", [], [], MISSING],
    [
      "a rule that compares nothing is quiet when empty",
      [],
      undefined,
      { kind: "inactive", value: undefined, measured: undefined },
    ],
  ];
  test("nothing measured is said in the rule's own words, if it has some", () => {
    const reason = "its container has no HEALTHCHECK";
    expect(evaluate([], [], reason)).toEqual({ kind: "no_data", reason });
  });

  test.each(cases)("%s", (_, result, measured, expected) => {
    expect(evaluate(result, measured)).toEqual(expected);
  });
});

test("what more label sets than a person can look at say is refused, with what to do", () => {
  const many = (count: number) =>
    Array.from({ length: count }, (_, index) => sample(1, { instance: String(index) }));
  expect(evaluate(many(MAX_LABEL_SETS), undefined).kind).toBe("active");
  expect(evaluate(many(MAX_LABEL_SETS + 1), undefined)).toEqual({
    kind: "no_data",
    reason: "it holds for 50001 label sets, and 50000 are the most: aggregate it with sum by (...)",
    isRejected: true,
  });
});

describe("what is asked for", () => {
  function asked(expr: string, answers: Readonly<Record<string, readonly Sample[]>>) {
    const queries: string[] = [];
    const source: Pick<SignalSource, "query"> = {
      async query(query) {
        queries.push(query);
        return answers[query] ?? [];
      },
    };
    const signal = readSignal(expr, "a test");
    const result = evaluateRule(rule({ expr, signal }), source, NEVER);
    return result.then(({ evaluation }) => ({ queries, evaluation }));
  }
  const [low, high] = [sample(1, { a: "low" }), sample(9, { a: "high" })];

  test("of a comparison alone the measured side, which tells where it holds", async () => {
    expect(await asked("cpu > 5", { cpu: [low, high] })).toEqual({
      queries: ["cpu"],
      evaluation: holdsFor([low, high], high),
    });
  });

  test.each([
    ["above", ">", [9]],
    ["below", "<", [1]],
    ["at least", ">=", [9, 5]],
    ["at most", "<=", [1, 5]],
    ["equal", "==", [5]],
    ["other than", "!=", [1, 9]],
  ] as const)("%s the threshold, as in PromQL", async (_, operator, values) => {
    const { evaluation } = await asked(`cpu ${operator} 5`, { cpu: [low, high, sample(5)] });
    if (evaluation.kind !== "active") throw new Error("it holds for none");
    expect(evaluation.samples.map(({ value }) => value).toSorted()).toEqual(values.toSorted());
  });

  test("of a comparison beside another condition the whole as well", async () => {
    const answers = { cpu: [low, high], "cpu > 5 and up": [] };
    expect(await asked("cpu > 5 and up", answers)).toEqual({
      queries: ["cpu > 5 and up", "cpu"],
      evaluation: { kind: "inactive", value: 9, measured: [low, high] },
    });
  });

  test("of what compares nothing the whole alone", async () => {
    expect((await asked("absent(up)", {})).queries).toEqual(["absent(up)"]);
  });
});

describe("one service's part of what a rule says", () => {
  const [a, b] = [sample(9, { of: "a" }), sample(8, { of: "b" })];
  const quiet = sample(1, { of: "a" });
  const isOfA = (labels: Sample["labels"]) => labels["of"] === "a";
  const cases: readonly (readonly [string, Evaluation, Evaluation])[] = [
    ["holds for its own series", holdsFor([a, b], a, b), holdsFor([a], a)],
    [
      "is quiet where another's holds and its own was measured",
      holdsFor([quiet, b], b),
      { kind: "inactive", value: 1, measured: [quiet] },
    ],
    ["is missing where only another's was measured", holdsFor([b], b), MISSING],
    [
      "is quiet as a whole",
      { kind: "inactive", value: 8, measured: [quiet, b] },
      { kind: "inactive", value: 1, measured: [quiet] },
    ],
    ["is missing as a whole", MISSING, MISSING],
    [
      "is quiet where nothing is measured and another's holds",
      { kind: "active", samples: [b], measured: undefined },
      { kind: "inactive", value: undefined, measured: undefined },
    ],
  ];
  test.each(cases)("%s", (_, whole, expected) => {
    expect(narrow(whole, isOfA)).toEqual(expected);
  });
});
