/** What nobody may make the observer do, whatever they ask. */

import { expect, test } from "bun:test";
import {
  apiSources,
  ask,
  DATA_START_S,
  failure,
  success,
} from "../../../test/prometheus-api/dataset.ts";
import { storedSeries } from "../../../test/promql/array-store.ts";
import { prometheusApi } from "./api.ts";
import type { QueryBounds } from "./endpoint.ts";

const AT = DATA_START_S + 100;

const range = (query: string) => ask(`query_range?query=1&${query}`);

test("11,000 steps are answered, 11,001 are not", async () => {
  const [status, answer] = await range("start=0&end=11000&step=1");
  expect(status).toBe(200);
  expect(JSON.stringify(answer)).toContain('[11000,"1"]');
  expect(await range("start=0&end=11001&step=1")).toEqual(
    failure(400, "bad_data", expect.stringContaining("maximum resolution of 11,000 points")),
  );
});

test.each([
  ["start=1&end=0&step=1", 'invalid parameter "end": end timestamp must not be before start time'],
  ["start=0&end=0.001&step=0.0009", 'invalid parameter "step": a step is at least a millisecond'],
  ["start=0&end=1&step=0", 'invalid parameter "step": zero or negative query resolution'],
  ["start=0&end=1&step=1e30", "It overflows int64"],
  ["end=1&step=1", 'invalid parameter "start": cannot parse "" to a valid timestamp'],
])("a range of %s is refused", async (parameters, error) => {
  expect(await range(parameters)).toEqual(failure(400, "bad_data", expect.stringContaining(error)));
});

test.each([
  ["step=0.001", 200],
  ["step=0.0009", 400],
  ["step=-1", 400],
  ["step=1e300", 400],
  ["step=-1e300", 400],
  ["step=292y", 200],
  ["step=293y", 400],
])("%s of a range: %d", async (step, expected) => {
  expect((await range(`start=0&end=0.01&${step}`))[0]).toBe(expected);
});

test.each([
  ["8640000000000", 200],
  ["8640000000001", 400],
  ["-8640000000000", 200],
  ["-8640000000001", 400],
  ["1e999", 400],
  ["9".repeat(1000), 400],
])("the time %s: %d", async (time, expected) => {
  expect((await ask(`query?query=year()&time=${time}`))[0]).toBe(expected);
});

test.each(["query", "match[]"])(
  "%s of 16,384 characters is read, a longer one not",
  async (name) => {
    const path = name === "query" ? "query" : "series";
    const text = (length: number) => ({
      method: "POST",
      path,
      form: `${name}=${"a".repeat(length)}`,
    });
    expect((await ask(text(16_384)))[0]).toBe(200);
    expect(await ask(text(16_385))).toEqual(
      failure(400, "bad_data", expect.stringContaining("longer than 16384 characters")),
    );
  },
);

test.each([
  [65_536, "a", 200],
  [65_537, "a", 400],
  [10_000_000, "a", 400],
  // Bytes are counted, not characters.
  [90_001, "€", 400],
])("a form of %d bytes of %s: %d", async (length, letter, expected) => {
  const start = "query=1&x=";
  const form = start + letter.repeat((length - start.length) / Buffer.byteLength(letter));
  expect(Buffer.byteLength(form)).toBe(length);
  expect((await ask({ method: "POST", path: "query", form }))[0]).toBe(expected);
});

test("a form that is not UTF-8 is refused", async () => {
  const request = new Request("http://localhost/api/v1/query", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: Uint8Array.from([...Buffer.from('query="'), 0xff, ...Buffer.from('"')]),
  });
  const response = await prometheusApi(apiSources()).handle(request);
  expect([response.status, await response.json()]).toEqual(
    failure(400, "bad_data", "error parsing form values: invalid UTF-8"),
  );
});

async function askBounded(path: string, bounds: QueryBounds): Promise<unknown[]> {
  const request = new Request(`http://localhost/api/v1/${path}`);
  const response = await prometheusApi(apiSources(), bounds).handle(request);
  return [response.status, await response.json()];
}

test("a slow query is stopped, whatever longer time it asks for", async () => {
  const slow = "query?query=count_over_time(vector(1)[100y:1ms])&timeout=1h";
  const startedMs = performance.now();
  expect(
    await askBounded(slow, { maxEvaluationMs: 50, maxSamples: 1e15, maxAnswerBytes: 1e9 }),
  ).toEqual(failure(503, "timeout", "query timed out in query execution"));
  expect(performance.now() - startedMs).toBeLessThan(5000);
});

test("a query that touches too many samples is stopped", async () => {
  const bounds = { maxEvaluationMs: 5000, maxSamples: 60, maxAnswerBytes: 1e9 };
  const samples = (seconds: number) => `query?query=up[${seconds}s]&time=${DATA_START_S + 285}`;
  // 3 series with 20 samples each, but for one that is 10 long.
  expect((await askBounded(samples(300), bounds))[0]).toBe(200);
  expect(await askBounded(samples(300), { ...bounds, maxSamples: 59 })).toEqual(
    failure(422, "execution", expect.stringContaining("too many samples")),
  );
});

test("expressions nested past all reason are refused, not fallen over", async () => {
  const nested = `${"(".repeat(8000)}1${")".repeat(8000)}`;
  expect(await ask({ method: "POST", path: "query", form: `query=${nested}` })).toEqual(
    failure(400, "bad_data", expect.stringContaining("nested too deeply")),
  );
});

test("20,000 series are told of one by one", async () => {
  const ids = Array.from({ length: 20_000 }, (_, index) => String(index));
  const all = ids.map((id) => storedSeries({ __name__: "many", id }, [[AT * 1000, 1]]));
  const expected = ids.toSorted().map((id) => ({ __name__: "many", id }));
  expect(await ask("series?match[]=many", { store: { select: () => all } })).toEqual(
    success(expected),
  );
});
