import { describe, expect, test } from "bun:test";
import { ask, DATA_START_S, failure, success } from "../../../test/prometheus-api/dataset.ts";

/** The last sample of `up` of job `web`; the data set begins at its start. */
const END = DATA_START_S + 285;
const UP = [
  { __name__: "up", instance: "a:1", job: "api" },
  { __name__: "up", instance: "b:1", job: "api" },
  { __name__: "up", instance: "c:1", job: "web" },
];
const REQUESTS = { __name__: "requests_total", instance: "a:1", job: "api" };

describe("series", () => {
  test.each([
    ["match[]=up", UP],
    ["match[]=up&match[]=requests_total", [REQUESTS, ...UP]],
    // Of both selectors, and yet there once.
    ['match[]=up&match[]=up{job="web"}', UP],
    ["match[]=nothing", []],
    [`match[]=up&start=${END}`, UP],
    [`match[]=up&start=${END}.001`, []],
    [`match[]=up&end=${DATA_START_S}`, UP],
    [`match[]=up&end=${DATA_START_S - 0.001}`, []],
    [`match[]=ended&start=${DATA_START_S + 15}`, [{ __name__: "ended", job: "web" }]],
    [`match[]=ended&start=${DATA_START_S + 15.001}`, []],
    ["match[]=up&start=-292273086-05-16T16:47:06Z", UP],
    ["match[]=up&start=292277025-08-18T07:12:54.999999999Z", []],
  ])("%s", async (parameters, expected) => {
    expect(await ask(`series?${parameters}`)).toEqual(success(expected));
    const form = { method: "POST", path: "series", form: parameters };
    expect(await ask(form)).toEqual(success(expected));
  });

  test.each([
    ["", "no match[] parameter provided"],
    [
      "match[]={}",
      'invalid parameter "match[]": match[] must contain at least one non-empty matcher',
    ],
    ['match[]={job=~".*"}', "match[] must contain at least one non-empty matcher"],
    ["match[]=up&match[]={", 'invalid parameter "match[]": 1:2: parse error'],
    ["match[]=up[5m]", 'invalid parameter "match[]": 1:3: parse error: unexpected "["'],
    ["match[]=up&limit=-1", 'invalid parameter "limit": limit must be non-negative'],
    ["match[]=up&start=x", `invalid parameter "start": invalid time value for 'start'`],
  ])("%s is refused", async (parameters, error) => {
    expect(await ask(`series?${parameters}`)).toEqual(
      failure(400, "bad_data", expect.stringContaining(error)),
    );
  });
});

describe("names and values of labels", () => {
  const NAMES = ["__name__", "größe", "http.status", "instance", "job", "kind", "said"];
  test.each([
    ["labels", NAMES.toSorted()],
    ["labels?match[]=up", ["__name__", "instance", "job"]],
    ["labels?match[]=up&match[]=odd", ["__name__", "instance", "job", "kind"]],
    [`labels?start=${END + 1}`, []],
    ["label/job/values", ["api", "web"]],
    ["label/job/values?match[]=ended", ["web"]],
    ["label/__name__/values", ["ended", "odd", "requests_total", "text", "up"]],
    ["label/gr%C3%B6%C3%9Fe/values", ["L"]],
    ["label/U__http_2e_status/values", ["200"]],
    ["label/nothing/values", []],
    // No label, though every object of JavaScript has it.
    ["label/constructor/values", []],
    ["label/__proto__/values", []],
  ])("%s", async (path, expected) => {
    expect(await ask(path)).toEqual(success(expected));
  });

  test("a limit leaves the last out, and says so", async () => {
    const warnings = ["results truncated due to limit"];
    const [, names] = await ask("labels?limit=2");
    expect(names).toEqual({ status: "success", data: ["__name__", "größe"].toSorted(), warnings });
    const [, values] = await ask("label/job/values?limit=1");
    expect(values).toEqual({ status: "success", data: ["api"], warnings });
    expect(await ask("label/job/values?limit=2")).toEqual(success(["api", "web"]));
  });

  test.each([
    ["labels?match[]={}", "match[] must contain at least one non-empty matcher"],
    ["label/job/values?match[]=sum(up)", '1:4: parse error: unexpected "("'],
    ["label/%ff/values", 'invalid label name: "%ff"'],
    ["label/U__/values", 'invalid label name: ""'],
  ])("%s is refused", async (path, error) => {
    expect(await ask(path)).toEqual(failure(400, "bad_data", error));
  });
});
