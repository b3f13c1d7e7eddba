import { expect, test } from "bun:test";
import { simulatedClock } from "../../test/support/fixtures.ts";
import { Budget } from "./budget.ts";

const HOUR_MS = 3_600_000;

function budget(callsPerHour: number, tokensPerHour: number) {
  const clock = simulatedClock();
  return { clock, budget: new Budget({ callsPerHour, tokensPerHour }, clock) };
}

test("as many calls as allowed, and no more until the first is an hour old", () => {
  const { clock, budget: spending } = budget(2, 1000);
  spending.countCall();
  clock.pass(1000);
  expect(spending.refusal()).toBeUndefined();
  spending.countCall();
  expect(spending.refusal()).toBe(
    "not asked: 2 calls within an hour are made (MODEL_CALLS_PER_HOUR)",
  );
  clock.pass(HOUR_MS - 1001);
  expect(spending.refusal()).toBeDefined();
  clock.pass(1);
  expect(spending.refusal()).toBeUndefined();
  spending.countCall();
  expect(spending.refusal()).toBeDefined();
});

test("a call that reached nobody is taken back", () => {
  const { budget: spending } = budget(1, 1000);
  spending.countTokens(10);
  spending.countCall();
  spending.countTokens(10);
  spending.takeBackCall();
  expect(spending.refusal()).toBeUndefined();
  spending.takeBackCall();
  spending.countCall();
  expect(spending.refusal()).toBeDefined();
});

test("as many tokens as allowed; the last answer may go past it", () => {
  const { clock, budget: spending } = budget(60, 1000);
  spending.countTokens(999);
  expect(spending.refusal()).toBeUndefined();
  clock.pass(10);
  spending.countTokens(5000);
  expect(spending.refusal()).toBe(
    "not asked: 1000 tokens within an hour are used (MODEL_TOKENS_PER_HOUR)",
  );
  clock.pass(HOUR_MS - 10);
  expect(spending.refusal()).toBeDefined();
  clock.pass(10);
  expect(spending.refusal()).toBeUndefined();
});

test("0 calls or 0 tokens: the model is never asked", () => {
  expect(budget(0, 1000).budget.refusal()).toContain("0 calls");
  expect(budget(60, 0).budget.refusal()).toContain("0 tokens");
});

test("a clock set back frees nothing, and keeps nothing for longer than another hour", () => {
  const { clock, budget: spending } = budget(1, 1000);
  clock.pass(2 * HOUR_MS);
  spending.countCall();
  clock.pass(-600_000);
  expect(spending.refusal()).toBeDefined();
  clock.pass(-HOUR_MS);
  expect(spending.refusal()).toBeUndefined();
});
