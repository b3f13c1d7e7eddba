import { describe, expect, test } from "bun:test";
import { adapted, type Dialect, FIRST_DIALECT, isAboutSchema, withoutLengths } from "./dialect.ts";

const LATER: Dialect = {
  api: "chat_completions",
  limit: "max_completion_tokens",
  hasTemperature: false,
  schema: "without_lengths",
};

describe("a refusal changes what it is about, and nothing else", () => {
  const cases: readonly (readonly [number, string, Partial<Dialect>])[] = [
    [400, "'max_tokens' is not supported. Use 'max_completion_tokens'.", { limit: LATER.limit }],
    [422, "max_tokens: Extra inputs are not permitted", { limit: LATER.limit }],
    [400, "'temperature' does not support 0 with this model", { hasTemperature: false }],
    [400, "'maxLength' is not permitted", { schema: "without_lengths" }],
    [400, "Use MAX_COMPLETION_TOKENS or Temperature", { hasTemperature: false }],
    [400, "maxItems is not permitted", { schema: "without_lengths" }],
    [501, "structured output is not implemented", { schema: "none" }],
    [500, "Unknown json_schema", { schema: "none" }],
    [400, "response_format is not supported", { schema: "none" }],
    [400, "failed to parse grammar", { schema: "none" }],
    [400, "", { schema: "none" }],
    [404, "No endpoints found that can handle the requested parameters", { schema: "none" }],
    [500, "failed to parse grammar", { schema: "none" }],
    [404, "only supported in v1/responses", { api: "responses" }],
  ];
  test.each(cases)("%i %s", (status, body, change) => {
    expect(adapted(FIRST_DIALECT, { status, body })).toEqual({ ...FIRST_DIALECT, ...change });
  });
});

describe("there is no other way to ask after", () => {
  const cases: readonly (readonly [string, Dialect, number, string])[] = [
    ["a prompt that is too long", FIRST_DIALECT, 400, "max_tokens: maximum context length is 512"],
    ["a context that is too small", FIRST_DIALECT, 400, "exceeds the available context size"],
    ["a refused key", FIRST_DIALECT, 401, "temperature"],
    ["a spent quota", FIRST_DIALECT, 429, "max_tokens"],
    ["a model that is not there", FIRST_DIALECT, 404, "The model does not exist"],
    ["a server that fails", FIRST_DIALECT, 500, "Internal error"],
    ["all that was tried", { ...LATER, schema: "none" }, 400, "temperature and max_tokens"],
    ["the newer API that was tried", { ...LATER, api: "responses" }, 404, "not in v1/responses"],
  ];
  test.each(cases)("%s", (_, dialect, status, body) => {
    expect(adapted(dialect, { status, body })).toBeUndefined();
  });

  test("any number of refusals", () => {
    const bodies = ["max_tokens", "temperature", "maxLength", "schema", "v1/responses", ""];
    for (const first of bodies) {
      let dialect: Dialect | undefined = FIRST_DIALECT;
      let requests = 0;
      for (; dialect !== undefined; requests++)
        dialect = adapted(dialect, { status: 400, body: requests === 0 ? first : bodies.join() });
      expect(requests).toBeLessThanOrEqual(6);
    }
  });
});

test("a failure is about the schema only where it says so", () => {
  expect(isAboutSchema({ status: 500, body: "failed to parse grammar" })).toBe(true);
  expect(isAboutSchema({ status: 500, body: "out of memory" })).toBe(false);
  expect(isAboutSchema({ status: 503, body: "grammar" })).toBe(false);
});

test("lengths are taken out wherever they are, and nothing else", () => {
  const schema = {
    maxLength: 1,
    maxItems: 2,
    enum: ["maxLength"],
    properties: { a: { type: "string", maxLength: 3 }, b: { items: { maxLength: 4, x: 5 } } },
  };
  expect(withoutLengths(schema)).toEqual({
    maxItems: 2,
    enum: ["maxLength"],
    properties: { a: { type: "string" }, b: { items: { x: 5 } } },
  });
});
