import { describe, expect, test } from "bun:test";
import {
  apiSources,
  ask,
  askOurs,
  DATA_START_S,
  failure,
  success,
} from "../../../test/prometheus-api/dataset.ts";
import { prometheusApi } from "./api.ts";

const AT = DATA_START_S + 100;

describe("query", () => {
  test("an instant vector has labels in order, the time of the query and values as text", async () => {
    expect(await ask(`query?query=up{instance="a:1"}&time=${AT}.25`)).toEqual(
      success({
        resultType: "vector",
        result: [
          {
            metric: { __name__: "up", instance: "a:1", job: "api" },
            value: [AT + 0.25, "1"],
          },
        ],
      }),
    );
    const response = await askOurs(
      { method: "GET", path: `query?query=up&time=${AT}` },
      apiSources(),
    );
    expect(response.headers.get("content-type")).toStartWith("application/json");
    expect(await response.text()).toContain('{"__name__":"up","instance":"a:1","job":"api"}');
  });

  test("without a time it is the present", async () => {
    const nowMs = () => 1_234_567;
    const expected = success({ resultType: "scalar", result: [1234.567, "1"] });
    expect(await ask("query?query=1", { nowMs })).toEqual(expected);
    expect(await ask("query?query=1&time=", { nowMs })).toEqual(expected);
  });

  test.each([
    ["NaN", "NaN"],
    ["Inf", "+Inf"],
    ["-Inf", "-Inf"],
    ["-0", "-0"],
    ["0.1 %2B 0.2", "0.30000000000000004"],
    ["1e20", "100000000000000000000"],
    ["1e21", "1e+21"],
    ["0.000001", "0.000001"],
    ["0.00000095", "9.5e-07"],
    ["1e-10", "1e-10"],
    ["1e300", "1e+300"],
  ])("%s is written %s", async (expr, expected) => {
    expect(await ask(`query?query=${expr}&time=1`)).toEqual(
      success({ resultType: "scalar", result: [1, expected] }),
    );
  });

  test.each([
    ["1.2345", 1.234],
    ["-1.2345", -1.234],
    ["2024-02-29T00:00:00Z", 1_709_164_800],
    ["1970-01-01T01:00:00.0019%2B01:00", 0.001],
  ])("the time %s is %d", async (time, expected) => {
    expect(await ask(`query?query=1&time=${time}`)).toEqual(
      success({ resultType: "scalar", result: [expected, "1"] }),
    );
  });

  test.each(["2023-02-29T00:00:00Z", "2023-01-01T24:00:00Z", "2023-01-01", "0x10", " 1", "soon"])(
    "%j is no time",
    async (time) => {
      const why = `cannot parse ${JSON.stringify(time)} to a valid timestamp`;
      expect(await ask(`query?query=1&time=${encodeURIComponent(time)}`)).toEqual(
        failure(400, "bad_data", `invalid parameter "time": invalid time value for 'time': ${why}`),
      );
    },
  );

  test.each([
    ["9s", 0],
    ["11s", 3],
    // As if it were not there: 5 minutes.
    ["0", 3],
    ["-1", 3],
  ])("with a lookback of %s, 10 s after the last sample, there are %d", async (lookback, count) => {
    const time = DATA_START_S + 285 + 10;
    const [, answer] = await ask(`query?query=up&time=${time}&lookback_delta=${lookback}`);
    const result = Array.from({ length: count }, () => expect.anything());
    expect(answer).toMatchObject({ data: { result } });
  });

  test("a limit says that it left something out, and only then", async () => {
    const limited = (limit: number) => ask(`query?query=up&time=${AT}&limit=${limit}`);
    const [status, answer] = await limited(2);
    expect(status).toBe(200);
    expect(answer).toEqual({
      status: "success",
      data: { resultType: "vector", result: [expect.anything(), expect.anything()] },
      warnings: ["results truncated due to limit"],
    });
    const [one, two, three] = [expect.anything(), expect.anything(), expect.anything()];
    const all = success({ resultType: "vector", result: [one, two, three] });
    expect(await limited(3)).toEqual(all);
    expect(await limited(0)).toEqual(all);
  });
});

describe("query_range", () => {
  const range = (expr: string) =>
    ask(`query_range?query=${expr}&start=${AT}&end=${AT + 20}&step=15`);

  test("has the series in the order of their labels, each with its points", async () => {
    const points = (...values: readonly string[]) =>
      values.map((value, index) => [AT + index * 15, value]);
    const labels = (instance: string, job: string) => ({ instance, job });
    // The union has them the other way round.
    expect(await range('up{job="web"}%2B0 or up{job="api"}%2B0')).toEqual(
      success({
        resultType: "matrix",
        result: [
          { metric: labels("a:1", "api"), values: points("1", "1") },
          { metric: labels("b:1", "api"), values: points("0", "0") },
          { metric: labels("c:1", "web"), values: points("0", "1") },
        ],
      }),
    );
  });

  test.each([
    ["up[1m]", "range vector"],
    ['"text"', "string"],
  ])("%s is none, and that is the query's fault", async (expr, type) => {
    const why = `invalid expression type "${type}" for range query, must be Scalar or instant Vector`;
    expect(await range(expr)).toEqual(
      failure(400, "bad_data", `invalid parameter "query": ${why}`),
    );
  });
});

describe("what fails is told in Prometheus' classes", () => {
  test.each([
    ["query?query=up{", 400, "bad_data", 'invalid parameter "query": 1:4: parse error: '],
    ["query?query=up*on(job)up", 422, "execution", "found duplicate series for the match group"],
    ["query?query=1&timeout=0", 503, "timeout", "query timed out in query execution"],
    ["query?query=1&timeout=-1s", 400, "bad_data", 'invalid parameter "timeout": cannot parse'],
    ["nosuch", 404, "not_found", "there is no /api/v1/nosuch"],
    ["", 404, "not_found", "there is no /api/v1/"],
    ["query/", 404, "not_found", "there is no /api/v1/query/"],
    ["QUERY?query=1", 404, "not_found", "there is no /api/v1/QUERY"],
    ["label//values", 404, "not_found", "there is no /api/v1/label//values"],
    ["label/a/b/values", 404, "not_found", "there is no /api/v1/label/a/b/values"],
    [
      "query?query=1&time=%zz",
      400,
      "bad_data",
      'error parsing form values: invalid URL escape "%zz"',
    ],
    ["query?query=1&x=%", 400, "bad_data", 'error parsing form values: invalid URL escape "%"'],
    ["query?query=1&x=%ff", 400, "bad_data", "error parsing form values: invalid UTF-8"],
    ["query?query=1&x=%ed%a0%80", 400, "bad_data", "error parsing form values: invalid UTF-8"],
  ])("%s: %d %s", async (path, status, errorType, error) => {
    const sources = { nowMs: () => AT * 1000 };
    expect(await ask(path, sources)).toEqual(
      failure(status, errorType, expect.stringContaining(error)),
    );
  });

  test("a bug of ours is one as well, without where it is in the code", async () => {
    const broken = () => {
      throw new TypeError("no such thing");
    };
    expect(await ask("alerts", { ruleGroups: broken })).toEqual(
      failure(500, "internal", "no such thing"),
    );
  });
});

describe("methods", () => {
  test.each(["query", "query_range", "series", "labels", "query_exemplars"])(
    "%s takes a form",
    async (path) => {
      for (const method of ["PUT", "DELETE", "PATCH", "HEAD"]) {
        const response = await askOurs({ method, path }, apiSources());
        expect(response.status).toBe(405);
        expect(response.headers.get("allow")).toBe("GET, OPTIONS, POST");
      }
    },
  );

  test.each(["rules", "alerts", "targets", "metadata", "status/buildinfo", "label/job/values"])(
    "%s takes none",
    async (path) => {
      for (const method of ["POST", "PUT", "DELETE", "PATCH", "HEAD"]) {
        const response = await askOurs({ method, path }, apiSources());
        expect(response.status).toBe(405);
        expect(response.headers.get("allow")).toBe("GET, OPTIONS");
      }
    },
  );

  test.each(["query", "rules", "nosuch"])(
    "OPTIONS of %s says that it may be asked",
    async (path) => {
      const response = await askOurs({ method: "OPTIONS", path }, apiSources());
      expect([response.status, await response.text()]).toEqual([204, ""]);
    },
  );

  test("a form may say the same as the URL", async () => {
    const form = { method: "POST", path: "query", form: `query=sum(up)+%2B+0&time=${AT}` };
    const expected = success({ resultType: "vector", result: [{ metric: {}, value: [AT, "1"] }] });
    expect(await ask(form)).toEqual(expected);
    expect(await ask(`query?query=sum(up)%20%2B+0&time=${AT}`)).toEqual(expected);
  });

  test.each([
    // The form comes before the URL, and is one by its type alone.
    ["application/x-www-form-urlencoded", 2],
    ["Application/X-WWW-Form-Urlencoded; charset=utf-8", 2],
    ["text/plain", 1],
    ["application/json", 1],
  ])("a body of type %s is read as a form, or not", async (type, expected) => {
    const asked = { method: "POST", path: "query?query=1&time=1", form: "query=2", type };
    expect(await ask(asked)).toEqual(
      success({ resultType: "scalar", result: [1, String(expected)] }),
    );
  });

  test("no page of another site is allowed to read", async () => {
    const request = new Request("http://localhost/api/v1/query?query=1", {
      headers: { origin: "http://evil.example" },
    });
    const response = await prometheusApi(apiSources()).handle(request);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });
});
