/**
 * The playbook on incidents with a known cause, recorded from real services in containers. The table has beside
 * it what the former evidence tells, the alert alone, and chance.
 */

import { describe, expect, test } from "bun:test";
import { FAULT_CLASSES } from "../../src/core/fault-class.ts";
import { align } from "../../src/text/table.ts";
import {
  ask,
  formerEvidence,
  NEVER_RESTARTED,
  ownClass,
  readRecorded,
  type Recorded,
} from "./recorded.ts";

const MIN_CASES = 60;
const MIN_CASES_OF_A_CLASS = 5;
const MIN_SHARE = 0.85;
/** Of what nobody tuned on, a little less. */
const MIN_HELD_OUT = 0.75;

const recorded = readRecorded();
const answered = recorded.map((one) => ({
  ...one,
  answer: ask(one.evidence),
  former: ask(formerEvidence(one.evidence)),
  own: ownClass(one.evidence),
}));
type Answered = (typeof answered)[number];

const isNamed = ({ faultClass, answer }: Answered) => answer.faultClass === faultClass;
const share = (some: readonly Answered[], isOne: (one: Answered) => boolean) =>
  some.filter(isOne).length / some.length;
const percent = (value: number) => `${Math.round(value * 100)} %`;

const row = (title: string, some: readonly Answered[]) => [
  title,
  String(some.length),
  percent(share(some, isNamed)),
  percent(share(some, ({ faultClass, former }) => former.faultClass === faultClass)),
  percent(share(some, ({ faultClass, own }) => own === faultClass)),
  percent(1 / FAULT_CLASSES.length),
];

const of = (isOne: (one: Answered) => boolean) => answered.filter(isOne);
const table = align([
  ["cause", "cases", "named", "former evidence", "alert alone", "chance"],
  ...FAULT_CLASSES.map((one) =>
    row(
      one,
      of(({ faultClass }) => faultClass === one),
    ),
  ),
  row(
    "tuned on",
    of(({ half }) => half === 1),
  ),
  row(
    "held out",
    of(({ half }) => half === 2),
  ),
  row("all", answered),
]);

test("there are enough of each class, and it is printed who names them", () => {
  console.log(table.join("\n"));
  const wrong = of((one) => !isNamed(one));
  for (const { name, half, answer } of wrong)
    console.log(`  ${name} (${half}): ${answer.faultClass}, ${answer.action}. ${answer.rootCause}`);
  expect(recorded.length).toBeGreaterThanOrEqual(MIN_CASES);
  for (const one of FAULT_CLASSES)
    expect(of(({ faultClass }) => faultClass === one).length).toBeGreaterThanOrEqual(
      MIN_CASES_OF_A_CLASS,
    );
});

describe("the playbook names the cause", () => {
  test.each([
    ["of all", () => true, MIN_SHARE],
    ["of the half that it was tuned on", ({ half }: Recorded) => half === 1, MIN_SHARE],
    ["of the half that was held out", ({ half }: Recorded) => half === 2, MIN_HELD_OUT],
  ] as const)("%s", (_, isOne, least) => {
    expect(share(of(isOne), isNamed)).toBeGreaterThanOrEqual(least);
  });

  test("better than with the former evidence, and than by the alert alone", () => {
    const named = share(answered, isNamed);
    const isFormer = ({ faultClass, former }: Answered) => former.faultClass === faultClass;
    expect(named).toBeGreaterThan(share(answered, isFormer));
    expect(named).toBeGreaterThan(share(answered, ({ faultClass, own }) => own === faultClass));
  });
});

test("nothing is run where a restart does not help", () => {
  const never = of(({ faultClass }) => NEVER_RESTARTED.includes(faultClass));
  const run = never.filter(({ answer }) => answer.action !== "none");
  expect(never.length).toBeGreaterThanOrEqual(4 * MIN_CASES_OF_A_CLASS);
  expect(run.map(({ name, answer }) => `${name}: ${answer.action}, ${answer.rootCause}`)).toEqual(
    [],
  );
});

test("why is one sentence, within a line, without a control character", () => {
  for (const { answer } of answered) {
    expect(answer.rootCause).toEndWith(".");
    expect(answer.rootCause.length).toBeLessThan(900);
    expect(answer.rootCause).not.toMatch(/\p{Cc}/u);
  }
});
