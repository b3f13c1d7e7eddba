/** E4: whatever a grammar is made of is bounded in a way that grammars hold. */

import { expect, test } from "bun:test";
import { z } from "zod";
import { allowlistFor } from "../../src/allowlist.ts";
import { answerSchema, readAnswer } from "../../src/diagnosis/model-answer.ts";

/** At 2000 repetitions llama.cpp refuses a grammar, and above it takes them for unbounded. */
const MAX_REPETITIONS = 1999;

const schemaOf = z.looseObject({
  type: z.string(),
  enum: z.array(z.string()).optional(),
  maxLength: z.number().optional(),
  maxItems: z.number().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  items: z.unknown().optional(),
  properties: z.record(z.string(), z.unknown()).optional(),
});

/** Each value of the schema that a grammar would let go on without an end. */
function unbounded(schema: unknown, path = "answer"): string[] {
  const { type, items, properties = {}, ...read } = schemaOf.parse(schema);
  const within = (count = Infinity) => count <= MAX_REPETITIONS;
  switch (type) {
    case "object":
      return Object.entries(properties).flatMap(([key, value]) => unbounded(value, key));
    case "array":
      return [...(within(read.maxItems) ? [] : [path]), ...unbounded(items, `${path}[]`)];
    case "string":
      return read.enum !== undefined || within(read.maxLength) ? [] : [path];
    case "integer":
      return read.minimum === undefined || read.maximum === undefined ? [path] : [];
    default:
      return [`${path} is a ${type}`];
  }
}

test("E4: every text has a length, every list a size, every number is whole and has a range", () => {
  expect(unbounded(answerSchema(allowlistFor("a")))).toEqual([]);
});

test("E4: the check above sees what is unbounded", () => {
  expect(unbounded({ type: "number", minimum: 0, maximum: 1 })).toEqual(["answer is a number"]);
  expect(unbounded({ type: "string" })).toEqual(["answer"]);
  expect(unbounded({ type: "array", items: { type: "string", maxLength: 2000 } })).toEqual([
    "answer",
    "answer[]",
  ]);
});

test.each(["751", "1e999", "-3"])(
  "E4: a confidence of %s costs nothing but itself",
  (confidence) => {
    const text = `{"root_cause":"x","severity":"low","confidence":${confidence},"action":"docker-restart"}`;
    const asked = { allowlist: allowlistFor("a"), evidence: { severity: "high" as const } };
    expect(readAnswer({ text }, asked)).toMatchObject({ confidence: 0, action: "docker-restart" });
  },
);
