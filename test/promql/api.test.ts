/** Our HTTP API and a real Prometheus', asked the same over the same samples. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Dashboard, serveDashboard } from "../../src/dashboard/server.ts";
import { runToEnd } from "../binary.ts";
import { describeUnless } from "../docker.ts";
import {
  API_REQUESTS,
  type ApiRequest,
  BAD_REQUESTS,
  BAD_REQUESTS_SAME_WORDS,
} from "./api-requests.ts";
import { arrayStore } from "./array-store.ts";
import { DATA_START_MS, dataset } from "./dataset.ts";
import { type RealPrometheus, startPrometheus, whyNoPrometheus } from "./prometheus.ts";

const START_TIMEOUT_MS = 60_000;

const missing =
  whyNoPrometheus() ?? (Bun.which("promtool") === null ? "no promtool on the PATH" : undefined);

describeUnless(missing, "the API of a Prometheus", () => {
  let real: RealPrometheus;
  let ours: Dashboard;

  beforeAll(async () => {
    const data = dataset();
    real = await startPrometheus();
    await real.write(data);
    const nothing = { ruleGroups: () => [], targets: () => [], version: "1.2.3" };
    ours = serveDashboard({ store: arrayStore(data), nowMs: Date.now, ...nothing }, 0);
  }, START_TIMEOUT_MS);

  afterAll(async () => {
    await ours?.close();
    await real?.[Symbol.asyncDispose]();
  });

  async function ask(server: string, [path, parameters]: ApiRequest, method: "GET" | "POST") {
    const form = formOf(parameters);
    const url = `${server}/api/v1/${path}`;
    const response =
      method === "GET" ? await fetch(`${url}?${form}`) : await fetch(url, { method, body: form });
    const answer: unknown = await response.json();
    return { status: response.status, answer: comparable(answer) };
  }

  const show = ([path, parameters]: ApiRequest) => `${path}?${formOf(parameters)}`;

  test.each(API_REQUESTS.map((request) => [show(request), request] as const))(
    "answers %s alike",
    async (_, request) => {
      const theirs = await ask(real.url, request, "GET");
      expect(theirs.status).toBe(200);
      expect(await ask(ours.url, request, "GET")).toEqual(theirs);
    },
  );

  test.each(
    API_REQUESTS.filter(([path]) => !path.includes("/")).map(
      (request) => [show(request), request] as const,
    ),
  )("answers a form of %s alike", async (_, request) => {
    expect(await ask(ours.url, request, "POST")).toEqual(await ask(real.url, request, "POST"));
  });

  test.each(BAD_REQUESTS_SAME_WORDS.map((request) => [show(request), request] as const))(
    "refuses %s in the same words",
    async (_, request) => {
      const theirs = await ask(real.url, request, "GET");
      expect(theirs.status).toBeGreaterThanOrEqual(400);
      expect(await ask(ours.url, request, "GET")).toEqual(theirs);
    },
  );

  test.each(BAD_REQUESTS.map((request) => [show(request), request] as const))(
    "refuses %s as well",
    async (_, request) => {
      const theirs = await ask(real.url, request, "GET");
      const own = await ask(ours.url, request, "GET");
      expect(own.status).toBe(theirs.status);
      expect(own.answer).toMatchObject({ status: "error", errorType: "bad_data" });
    },
  );

  describe("promtool", () => {
    const at = new Date(DATA_START_MS + 20 * 60_000).toISOString();
    const start = new Date(DATA_START_MS + 10 * 60_000).toISOString();
    const end = new Date(DATA_START_MS + 11 * 60_000).toISOString();
    const span = [`--start=${start}`, `--end=${end}`];

    test.each([
      [["instant", `--time=${at}`], ["http_requests_total"]],
      [["instant", `--time=${at}`], ["sum by (job) (rate(http_requests_total[1m]))"]],
      [["instant", `--time=${at}`], ["sum("]],
      [["range", ...span, "--step=15s"], ["sum(rate(http_requests_total[1m]))"]],
      [["range", ...span, "--step=15s"], ["up"]],
      [["labels", ...span], ["job"]],
    ])("query %j %j prints the same", async (options, query) => {
      const run = (url: string) => runToEnd(["promtool", "query", ...options, url, ...query]);
      const [theirs, own] = await Promise.all([run(real.url), run(ours.url)]);
      expect(theirs.stdout + theirs.stderr).not.toBe("");
      expect(lines(own.stdout)).toEqual(lines(theirs.stdout));
      expect(own.exitCode).toBe(theirs.exitCode);
    });

    test("query series prints the same", async () => {
      const run = (url: string) =>
        runToEnd(["promtool", "query", "series", "--match=http_requests_total", ...span, url]);
      const [theirs, own] = await Promise.all([run(real.url), run(ours.url)]);
      expect(lines(theirs.stdout).length).toBeGreaterThan(1);
      expect(lines(own.stdout)).toEqual(lines(theirs.stdout));
    });
  });
});

function formOf(parameters: ApiRequest[1]): URLSearchParams {
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    [value].flat().map((one) => [name, one]),
  );
  return new URLSearchParams(pairs);
}

/** Where Prometheus gives no order. */
function lines(text: string): string[] {
  return text.split("\n").toSorted();
}

/** Lists of objects have no order; warnings and notes are Prometheus' own. */
function comparable(value: unknown): unknown {
  if (Array.isArray(value)) {
    const list = value.map(comparable);
    const isOfObjects = list.every((one) => typeof one === "object" && !Array.isArray(one));
    return isOfObjects ? list.toSorted((a, b) => (text(a) < text(b) ? -1 : 1)) : list;
  }
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => key !== "warnings" && key !== "infos");
  return Object.fromEntries(
    kept.toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, one]) => [key, comparable(one)]),
  );
}

function text(value: unknown): string {
  return JSON.stringify(value);
}
