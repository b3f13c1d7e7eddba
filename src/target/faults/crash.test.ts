import { expect, test } from "bun:test";
import { pickException, SIMULATED_EXCEPTIONS, SimulatedCrash } from "./crash.ts";

test("each exception has its share of the random range", () => {
  const types = [0, 0.24, 0.25, 0.5, 0.75, 0.999].map((random) => pickException(() => random).type);
  expect(types).toEqual([
    "ValueError",
    "ValueError",
    "KeyError",
    "ConnectionError",
    "ZeroDivisionError",
    "ZeroDivisionError",
  ]);
});

test("a crash is named and worded like the exception it simulates", () => {
  for (const exception of SIMULATED_EXCEPTIONS) {
    const crash = new SimulatedCrash(exception);
    expect(crash.name).toBe(exception.type);
    expect(crash.message).toStartWith(`Simulated ${exception.type}: `);
  }
});
