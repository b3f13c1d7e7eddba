import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { NEVER } from "../../../test/support/fixtures.ts";
import {
  type Answers,
  type Broken,
  startPrometheus,
  vectorOf,
} from "../../../test/support/servers/prometheus.ts";
import { type ErrorCode, SentinelError } from "../../core/errors.ts";
import type { SignalSource } from "../../core/ports.ts";
import { prometheusSource } from "./prometheus.ts";

const SHORT_MS = 300;
const LONG_MS = 10_000;
const SPAN = { durationMs: 10_000, stepMs: 1000 };

type Ask = (source: SignalSource) => Promise<unknown>;
const query: Ask = (source) => source.query("up", NEVER);
const range: Ask = (source) => source.range("up", SPAN, NEVER);
const interval: Ask = (source) => source.scrapeIntervalMs("a", NEVER);

async function failure(answer: Promise<unknown>): Promise<SentinelError> {
  const thrown = await answer.then(
    (value) => new Error(`it answered ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (thrown instanceof SentinelError) return thrown;
  throw thrown;
}

async function ask(answers: Answers, work: Ask): Promise<unknown> {
  await using server = startPrometheus(answers);
  return await work(prometheusSource({ url: server.url, deadlineMs: LONG_MS }));
}

const ORIGIN = /http:\/\/127\.0\.0\.1:\d+/;
const EXPECTED = {
  empty_body: ["source_bad_answer", "answered with status 200 and no answer in Prometheus' form"],
  stall: ["source_timeout", "did not answer within 0.3 s"],
  slow_drip: ["source_timeout", "did not answer within 0.3 s"],
  html_500: ["source_bad_answer", "answered with status 500 and no answer in Prometheus' form"],
  unavailable_503: ["source_bad_answer", "answered 503 unavailable: not ready"],
  unauthorized: ["source_bad_answer", "answered with status 401"],
  forbidden: ["source_bad_answer", "answered with status 403"],
  not_found: ["source_bad_answer", "answered with status 404 and no answer in Prometheus' form"],
  redirect: ["source_bad_answer", "answered with status 302 and no answer in Prometheus' form"],
  redirect_with_answer: [
    "source_bad_answer",
    "answered with status 302 and no answer in Prometheus' form",
  ],
  error_with_200: [
    "source_bad_answer",
    "answered with status 200 and no answer in Prometheus' form",
  ],
  success_with_500: [
    "source_bad_answer",
    "answered with status 500 and no answer in Prometheus' form",
  ],
  partial: ["source_bad_answer", "answered with a part of the data only: a store does not answer"],
  wrong_shape: ["source_bad_answer", "answered with status 200 and no answer in Prometheus' form"],
  no_json: ["source_bad_answer", "answered with status 200 and no answer in Prometheus' form"],
  json_null: ["source_bad_answer", "answered with status 200 and no answer in Prometheus' form"],
  truncated: ["source_bad_answer", "answered with status 200 and no answer in Prometheus' form"],
  huge: ["source_bad_answer", "answered with more than 16777216 bytes"],
  huge_data: ["source_rejected", "answered with more than 16777216 bytes"],
  partial_flag: ["source_bad_answer", "answered with a part of the data only: isPartial is set"],
  many_rows: ["source_rejected", "answered with more than 50000 rows"],
  bad_data: [
    "source_rejected",
    'answered 400 bad_data: invalid parameter "query": 1:1: parse error: no [31mexpr',
  ],
  execution: [
    "source_rejected",
    "answered 422 execution: found duplicate series for the match group",
  ],
  timeout: ["source_timeout", "answered 503 timeout: query timed out in expression evaluation"],
  canceled: ["source_bad_answer", "answered 499 canceled: query was canceled"],
  odd_error_type: ["source_bad_answer", `answered 500 constructor: ${"x".repeat(300)}`],
} satisfies Record<Broken, readonly [code: ErrorCode, message: string]>;

describe("a server that is no working Prometheus gives its code, and never a number", () => {
  test.each(Object.entries(EXPECTED))("%s", async (behaviour, [code, message]) => {
    await using server = startPrometheus(behaviour as Broken);
    const deadlineMs = code === "source_timeout" ? SHORT_MS : LONG_MS;
    const source = prometheusSource({ url: server.url, deadlineMs });
    const errors = await Promise.all([query, range, interval].map((work) => failure(work(source))));
    for (const error of errors) {
      expect(error.code).toBe(code);
      expect(error.message.replace(ORIGIN, "ORIGIN")).toBe(`ORIGIN ${message}`);
    }
    // Neither a redirect nor a second try; what is large is asked for again in its turn.
    const isLarge = ["huge", "huge_data", "many_rows"].includes(behaviour);
    expect(server.requests).toHaveLength(isLarge ? 6 : 3);
  });
});

describe("who cannot be reached", () => {
  test("nobody listens", async () => {
    const server = startPrometheus({});
    await server[Symbol.asyncDispose]();
    const error = await failure(query(prometheusSource({ url: server.url })));
    expect(error.code).toBe("source_unreachable");
    expect(error.message).toBe(`${server.url} cannot be reached (ECONNREFUSED)`);
    expect(error.hint).toContain("PROMETHEUS_URL");
  });

  test("a name that does not resolve", async () => {
    const source = prometheusSource({ url: "http://nobody.invalid" });
    expect((await failure(query(source))).code).toBe("source_unreachable");
  });

  test.each([
    ["hangs up at once", ""],
    ["speaks another protocol", "SSH-2.0-OpenSSH_9.2\r\n"],
    ["hangs up within the body", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{"],
  ])("a server that %s", async (_, bytes) => {
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: { data: (socket) => void socket.end(bytes) },
    });
    const source = prometheusSource({ url: `http://127.0.0.1:${server.port}` });
    expect((await failure(query(source))).code).toBe("source_unreachable");
    server.stop(true);
  });

  test("the caller's cancel ends it at once", async () => {
    await using server = startPrometheus("stall");
    const caller = new AbortController();
    const source = prometheusSource({ url: server.url, deadlineMs: LONG_MS });
    const pending = failure(source.query("up", caller.signal));
    caller.abort();
    expect((await pending).message).toBe(`cancelled before ${server.url} had answered`);
    expect((await failure(source.query("up", caller.signal))).code).toBe("source_unreachable");
  });
});

describe("values", () => {
  test.each([
    ["1", 1],
    ["-0.5", -0.5],
    ["1e+06", 1_000_000],
    ["9.5367431640625e-07", 9.5367431640625e-7],
    ["NaN", Number.NaN],
    ["+Inf", Number.POSITIVE_INFINITY],
    ["Inf", Number.POSITIVE_INFINITY],
    ["-Inf", Number.NEGATIVE_INFINITY],
  ])("%s is read", async (text, value) => {
    const expected = [{ labels: { job: "a" }, value, timestampMs: 1_700_000_000_500 }];
    expect(await ask({ query: vectorOf(text) }, query)).toEqual(expected);
  });

  // `Number` takes each of these for a number.
  test.each(["", " ", "0x10", "1_0", " 1", "1 ", "Infinity", "null", "one", "1;2", 1, null, true])(
    "%j is none",
    async (value) => {
      const error = await failure(ask({ query: vectorOf(value) }, query));
      expect(error.code).toBe("source_bad_answer");
      expect(error.message).toContain(
        "answered with result.0.value.1: Invalid input: expected a number as a text",
      );
    },
  );

  test("a scalar is one sample without labels; nothing found is no sample", async () => {
    const scalar = { resultType: "scalar", result: [1.0004, "2"] };
    expect(await ask({ query: scalar }, query)).toEqual([
      { labels: {}, value: 2, timestampMs: 1000 },
    ]);
    expect(await ask({ query: { resultType: "vector", result: [] } }, query)).toEqual([]);
  });

  test("remarks on the expression take nothing from the answer", async () => {
    const warnings = ["PromQL warning: mix of histograms and floats", "PromQL info: no counter"];
    const answer = { status: "success", data: vectorOf("2"), warnings };
    await using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => Response.json(answer),
    });
    const source = prometheusSource({ url: server.url.origin, deadlineMs: LONG_MS });
    expect(await source.query("up", NEVER)).toMatchObject([{ value: 2 }]);
  });

  test("a native histogram is no number, and spoils none", async () => {
    const histogram = { metric: {}, histogram: [1, { count: "1", sum: "2", buckets: [] }] };
    const data = { resultType: "vector", result: [histogram] };
    expect(await ask({ query: data }, query)).toEqual([]);
  });

  test.each([
    ["matrix", { resultType: "matrix", result: [] }],
    ["string", { resultType: "string", result: [1, "text"] }],
  ])("a %s is not what a rule can be: another query may succeed", async (type, data) => {
    const error = await failure(ask({ query: data }, query));
    expect(error.code).toBe("source_rejected");
    expect(error.message).toBe(`up is a ${type}, not a vector`);
  });

  test.each([
    { data: null },
    { data: [] },
    { data: {} },
    { data: { resultType: "vector" } },
    { data: { resultType: "vector", result: {} } },
    { data: { resultType: "vector", result: [{ metric: { a: 1 }, value: [1, "1"] }] } },
    { data: { resultType: "vector", result: [{ metric: {}, value: ["1", "1"] }] } },
    { data: { resultType: "vector", result: [{ metric: {}, value: ["1"] }] } },
    { data: { resultType: "streams", result: [] } },
  ])("data in another form is a bad answer: %j", async ({ data }) => {
    expect((await failure(ask({ query: data }, query))).code).toBe("source_bad_answer");
  });

  test("a range that is no matrix is a bad answer", async () => {
    const time = { resultType: "scalar", result: [1, "1"] };
    const error = await failure(ask({ query: time, query_range: vectorOf("1") }, range));
    expect(error.message).toEndWith("answered with a vector where a matrix was asked for");
  });
});

describe("scrape intervals", () => {
  const targets = (...intervals: unknown[]) => ({
    activeTargets: intervals.map((scrapeInterval) => ({ labels: { job: "a" }, scrapeInterval })),
  });
  test.each([
    [targets("15s"), 15_000],
    [targets("5s", "1m30s", "500ms"), 90_000],
    [targets("0s"), undefined],
    [targets(undefined), undefined],
    [targets(), undefined],
    [{ activeTargets: [{ labels: { job: "b" }, scrapeInterval: "1s" }] }, undefined],
  ])("%j is %p", async (data, expected) => {
    expect(await ask({ targets: data }, interval)).toBe(expected);
  });

  test.each([targets("soon"), targets(""), targets(5), { activeTargets: null }, null])(
    "%j is a bad answer",
    async (data) => {
      expect((await failure(ask({ targets: data }, interval))).code).toBe("source_bad_answer");
    },
  );
});

describe("the address", () => {
  const path = "/api/v1/query?query=up";
  test.each([
    ["", path],
    ["/", path],
    ["//", path],
    ["/api/v1", path],
    ["/api/v1/", path],
    ["/prom", `/prom${path}`],
    ["/prom/api/v1/", `/prom${path}`],
  ])("with the path %j asks for %s", async (suffix, expected) => {
    await using server = startPrometheus({ query: vectorOf("1") });
    await query(prometheusSource({ url: server.url + suffix }));
    expect(server.requests).toEqual([expected]);
  });

  test("a user and a password are sent as basic authentication", async () => {
    await using server = startPrometheus({ query: vectorOf("1") });
    const url = server.url.replace("//", "//me:s3%3Acret@");
    await query(prometheusSource({ url }));
    expect(server.requests).toEqual([`${path} Basic ${btoa("me:s3:cret")}`]);
  });

  test.each([...Object.keys(EXPECTED), "refused"])("%s: no message has them", async (behaviour) => {
    await using server = startPrometheus((behaviour === "refused" ? "stall" : behaviour) as Broken);
    if (behaviour === "refused") await server[Symbol.asyncDispose]();
    const url = server.url.replace("//", "//me:s3cret@");
    const source = prometheusSource({ url, deadlineMs: SHORT_MS });
    for (const work of [query, interval]) {
      const { message, hint } = await failure(work(source));
      expect(`${message} ${hint}`).not.toContain("s3cret");
    }
  });

  test("a wrong form of data names the server without them", async () => {
    await using server = startPrometheus({ query: {}, targets: {} });
    const source = prometheusSource({ url: server.url.replace("//", "//me:s3cret@") });
    for (const work of [query, interval])
      expect((await failure(work(source))).message).toStartWith(`${server.url} answered with `);
  });

  test("a proxy in the environment is not asked for the loopback", async () => {
    await using server = startPrometheus({ query: vectorOf("1") });
    await using proxy = startPrometheus("html_500");
    const script = `import { prometheusSource } from ${JSON.stringify(join(import.meta.dir, "prometheus.ts"))};
      const source = prometheusSource({ url: "${server.url}" });
      console.log((await source.query("up", new AbortController().signal))[0].value);`;
    const child = Bun.spawn([process.execPath, "-e", script], {
      env: { PATH: process.env["PATH"], HTTP_PROXY: proxy.url, http_proxy: proxy.url },
      stderr: "inherit",
    });
    expect(await new Response(child.stdout).text()).toBe("1\n");
    expect(proxy.requests).toEqual([]);
  });
});

test("many services that begin together ask for the targets once", async () => {
  const activeTargets = [
    { labels: { job: "a" }, scrapeInterval: "5s" },
    { labels: { job: "b" }, scrapeInterval: "10s" },
  ];
  await using server = startPrometheus({ targets: { activeTargets } });
  const source = prometheusSource({ url: server.url });
  const intervals = ["a", "b", "a"].map((job) => source.scrapeIntervalMs(job, NEVER));
  expect(await Promise.all(intervals)).toEqual([5000, 10_000, 5000]);
  expect(server.requests).toHaveLength(1);
});

test("an answer about the targets that could not be read is asked for again", async () => {
  await using server = startPrometheus("unavailable_503");
  const source = prometheusSource({ url: server.url });
  await failure(source.scrapeIntervalMs("a", NEVER));
  await failure(source.scrapeIntervalMs("a", NEVER));
  expect(server.requests).toHaveLength(2);
});
