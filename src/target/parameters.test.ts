import { describe, expect, test } from "bun:test";
import { HttpError } from "./http-error.ts";
import { parseNumbers } from "./parameters.ts";

const PARAMETERS = {
  duration: { defaultValue: 5, min: 0, aboveMin: true, max: 600, unit: "s" },
  megabytes: { defaultValue: 10, min: 1, max: 100, whole: true, unit: "MB" },
};

function failureOf(query: string): HttpError {
  try {
    parseNumbers(query, PARAMETERS);
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
  throw new Error(`${query} was accepted`);
}

describe("numbers in a query", () => {
  const accepted = [
    ["an empty query gives the defaults", "", { duration: 5, megabytes: 10 }],
    ["a fraction is fine", "duration=0.5", { duration: 0.5, megabytes: 10 }],
    [
      "the upper bound itself is fine",
      "duration=600&megabytes=100",
      { duration: 600, megabytes: 100 },
    ],
    ["a lower bound that is included is fine", "megabytes=1", { duration: 5, megabytes: 1 }],
    ["just above an excluded bound is fine", "duration=0.001", { duration: 0.001, megabytes: 10 }],
    ["a percent-encoded digit is a digit", "duration=%37", { duration: 7, megabytes: 10 }],
    [
      "a whole number with a zero fraction is whole",
      "megabytes=7.0",
      { duration: 5, megabytes: 7 },
    ],
  ] as const;
  test.each(accepted)("%s", (_, query, expected) => {
    expect(parseNumbers(query, PARAMETERS)).toEqual(expected);
  });

  const refused = [
    ["an excluded lower bound", "duration=0", "duration"],
    ["just above the upper bound", "duration=600.001", "duration"],
    ["just below an included bound", "megabytes=0", "megabytes"],
    ["a negative number", "duration=-1", "duration"],
    ["not a number", "duration=NaN", "duration"],
    ["infinity", "duration=Infinity", "duration"],
    ["nothing", "duration=", "duration"],
    ["a name without a value", "duration", "duration"],
    ["a blank before it", "duration=%205", "duration"],
    ["a plus, which is a blank in a query", "duration=+5", "duration"],
    ["a line break after it", "duration=5%0A", "duration"],
    ["an exponent", "duration=1e3", "duration"],
    ["hexadecimal", "duration=0x10", "duration"],
    ["a comma", "duration=1,5", "duration"],
    ["a point without a fraction", "duration=5.", "duration"],
    ["a fraction without a whole part", "duration=.5", "duration"],
    ["digits of another script", "duration=%D9%A5", "duration"],
    ["more digits than a double holds", `duration=${"9".repeat(400)}`, "duration"],
    ["a fraction where none may be", "megabytes=1.5", "megabytes"],
    ["a parameter given twice", "duration=1&duration=2", "duration"],
    ["an unknown parameter", "durations=1", "durations"],
    ["a name that every object has", "constructor=1", "constructor"],
  ] as const;
  test.each(refused)("%s is a 422 with its field", (_, query, field) => {
    const error = failureOf(query);
    expect(error.status).toBe(422);
    expect(error.details.field).toBe(field);
  });

  test("the message says what is allowed", () => {
    expect(failureOf("duration=601").message).toContain("above 0 and up to 600 s");
    expect(failureOf("megabytes=x").message).toContain("a whole number from 1 to 100 MB");
    expect(failureOf("foo=1").message).toContain("valid: duration, megabytes");
  });

  test("what was sent comes back shortened", () => {
    expect(failureOf(`duration=${"x".repeat(10_000)}`).message.length).toBeLessThan(200);
    expect(failureOf(`${"x".repeat(10_000)}=1`).message.length).toBeLessThan(200);
  });
});
