import { describe, expect, test } from "bun:test";
import { HttpError } from "./http-error.ts";
import { z } from "zod";
import { parseNumbers, parseObject, shown } from "./parameters.ts";

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

const SCHEMA = z.strictObject({
  count: z.int().min(1).max(9).describe("a whole number from 1 to 9"),
  share: z.number().max(1).describe("a number up to 1").default(1),
  names: z.array(z.string().max(3)).optional().describe("a list of short names"),
  plain: z.boolean().optional(),
});

function objectFailure(value: unknown): HttpError {
  try {
    parseObject(SCHEMA, value);
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
  throw new Error("it was accepted");
}

describe("members of an object", () => {
  test("take their defaults when they are absent", () => {
    expect(parseObject(SCHEMA, { count: 1 })).toEqual({ count: 1, share: 1 });
    expect(parseObject(SCHEMA, { count: 9, share: 0, names: ["abc"], plain: false })).toEqual({
      count: 9,
      share: 0,
      names: ["abc"],
      plain: false,
    });
  });

  const refused: readonly (readonly [string, unknown, string, string])[] = [
    ["one that is missing", {}, "count", "count is missing: a whole number from 1 to 9"],
    ["just below", { count: 0 }, "count", "count must be a whole number from 1 to 9, not 0"],
    ["just above", { count: 10 }, "count", "count must be a whole number from 1 to 9, not 10"],
    ["a fraction", { count: 1.5 }, "count", "count must be a whole number from 1 to 9, not 1.5"],
    ["a text", { count: "1" }, "count", 'count must be a whole number from 1 to 9, not "1"'],
    ["null", { count: null }, "count", "count must be a whole number from 1 to 9, not null"],
    [
      "a number without an end",
      JSON.parse('{"count":1e999}'),
      "count",
      "count must be a whole number from 1 to 9, not Infinity",
    ],
    ["a default's", { count: 1, share: 2 }, "share", "share must be a number up to 1, not 2"],
    [
      "one within a list",
      { count: 1, names: ["abc", "abcd"] },
      "names",
      'names must be a list of short names, not ["abc","abcd"]',
    ],
    [
      "one that is missing for a slip of the pen",
      { cuont: 1 },
      "count",
      "count is missing: a whole number from 1 to 9",
    ],
    [
      "an unknown one among known ones",
      { count: 1, shar: 1 },
      "shar",
      '"shar" is not a parameter here; did you mean share? valid: count, share, names, plain',
    ],
    [
      "a name of the prototype",
      JSON.parse('{"count":1,"__proto__":{"share":2}}'),
      "__proto__",
      '"__proto__" is not a parameter here; valid: count, share, names, plain',
    ],
    ["a list", [], "body", "the body must be a JSON object"],
    ["a text instead of an object", "count", "body", "the body must be a JSON object"],
    ["nothing", null, "body", "the body must be a JSON object"],
  ];
  test.each(refused)("%s is refused", (_, value, field, message) => {
    const failure = objectFailure(value);
    expect({ status: failure.status, field: failure.details.field }).toEqual({
      status: 422,
      field,
    });
    expect(failure.message).toBe(message);
  });

  test("what is long is shown by its beginning", () => {
    expect(shown("x".repeat(38))).toBe(`"${"x".repeat(38)}"`);
    expect(shown("x".repeat(39))).toBe(`"${"x".repeat(39)}…`);
    expect(shown(undefined)).toBe("undefined");
    expect(objectFailure({ count: 1, ["x".repeat(9_000)]: 1 }).message.length).toBeLessThan(200);
  });
});
