/** What both are asked: a real Prometheus and ours. */

import { type AskedFor, DATA_START_S } from "./dataset.ts";

const AT = DATA_START_S + 100;
const SPAN = `start=${AT}&end=${AT + 60}`;
const ONE = `start=${AT}&end=${AT}`;

const get = (path: string): AskedFor => ({ method: "GET", path });
const post = (path: string, form: string, type?: string): AskedFor =>
  type === undefined ? { method: "POST", path, form } : { method: "POST", path, form, type };

const times = [
  ...[`${AT}`, `${AT}.5`, "1.2345", "1.2345678", ".5", "5.", "1e3", "-1", "-1.2345", "%2B1"],
  ...["2023-11-14T22:15:00Z", "2023-11-14T22:15:00.1239Z", "2023-11-14T22:15:00%2B01:30"],
  ...["0", "1969-07-20T20:17:40Z", "2024-02-29T00:00:00Z"],
  // And those that are none.
  ...["abc", "0x10", "%201", "1e", "2023-11-14", "2023-11-14T22:15:00", "2023-13-14T22:15:00Z"],
  ...["2023-02-29T00:00:00Z", "2023-11-14T24:00:00Z", "2023-11-14T22:60:00Z"],
  ...["2023-11-14t22:15:00z", "2023-11-14T22:15:00%2B25:00"],
];

const limits = ["0", "1", "2", "3", "4", "%2B1", "-1", "x", "1.5", "99999999999999999999", ""];

const steps = [
  ...["15", "15s", "0.5", ".5", "1m30s", "1e3", "1.0015", "30ms", "292y"],
  ...["", "0", "-1", "0s", "-1s", "1.5s", "abc", "1m30", "1e30", "-1e30"],
  ...["300y", "99999999999999h"],
];

const selectors = [
  ...["up", '{job="api"}', '{__name__="up",job!="api"}', '{"up"}', 'up{job=~"a.*"}', "nothing"],
  ...['{"http.status"="200"}', "%20up%20", "up%20%23comment", 'up{__name__="x"}', "sum"],
  ...["", "%20", "{}", '{job=""}', '{job=~".*"}', "up{", 'up{job=~"("}', "(up)", "1", "foo%20bar"],
  ...["up[5m]", "up[5m]%20offset%201m", "sum(up)", "rate(up[5m])", "sum%20(up)", "=", "1%2B1"],
];

/** The same status, the same JSON. */
export const SAME: readonly AskedFor[] = [
  ...times.map((time) => get(`query?query=1&time=${time}`)),
  ...[
    ...["up", "odd", "text", "ended", "up[30s]", "odd[1m]", "1", '"text"', "-0", "vector(1)/0"],
    ...[
      "nothing",
      "nothing[5m]",
      "sort(requests_total)",
      "sort_desc(odd)",
      "topk(2,requests_total)",
    ],
    ...["rate(requests_total[1m])", 'count_values("x",up)', "sum%20by%20(job)%20(up)", "1%2B1"],
    // Not evaluated.
    ...["", "%20", "%23c", "up{", "nosuch()", "rate(up)", "up%20%2B", "sum(up", "up[5m]%2B1"],
    ...["up*on(job)up", 'label_replace(up,"a","$1","job","(((")', "{}", '{job=~".*"}'],
  ].map((expr) => get(`query?query=${expr}&time=${AT}`)),
  get("query"),
  ...limits.flatMap((limit) => [
    get(`query?query=up&time=${AT}&limit=${limit}`),
    get(`query?query=up[1m]&time=${AT}&limit=${limit}`),
    get(`query?query=1&time=${AT}&limit=${limit}`),
    get(`query_range?query=up&${SPAN}&step=15&limit=${limit}`),
    get(`series?match[]=up&limit=${limit}`),
    get(`labels?limit=${limit}`),
    get(`label/instance/values?limit=${limit}`),
  ]),
  get(`query?query=x{&time=x&limit=x`),
  get(`query?query=x{&time=x`),
  get(`query?query=1&time=1&time=2`),
  get(`query?query=1&timeout=x`),
  get(`query?query=1&timeout=1s&time=1`),
  get(`query?query=up&time=${AT}&lookback_delta=1s`),
  get(`query?query=up&time=${AT + 900}&lookback_delta=1h`),
  get(`query?query=up&time=${AT}&lookback_delta=0`),
  get(`query?query=up&time=${AT}&lookback_delta=-5`),
  get(`query?query=up&time=${AT}&lookback_delta=x`),

  ...steps.map((step) => get(`query_range?query=1&${ONE}&step=${step}`)),
  ...["up", "odd", "ended", "1", "requests_total*2", "nothing", "up==1"].map((expr) =>
    get(`query_range?query=${expr}&${SPAN}&step=15`),
  ),
  get(`query_range?query=1&${SPAN}&step=0.0150001`),
  get("query_range?query=1&start=1.2345&end=1.2355&step=0.001"),
  get("query_range?query=1&start=0&end=11000&step=1"),
  get("query_range?query=1&start=0&end=11000.999&step=1"),
  get("query_range?query=1&start=0&end=11001&step=1"),
  get("query_range?query=1&start=0001-01-01T00:00:00Z&end=9999-01-01T00:00:00Z&step=1"),
  get("query_range?query=1&start=0&end=11001&step=1&limit=x"),
  get(`query_range?query=1&start=${AT}&end=${AT - 1}&step=1`),
  ...["", "query=up", `query=up&start=${AT}`, `query=up&${ONE}`, `${ONE}&step=1`].map((rest) =>
    get(`query_range?${rest}`),
  ),
  get("query_range?query=x{&start=x&end=x&step=x"),
  ...["up{", "up[1m]", '"x"', "up*on(job)up", "{}"].map((expr) =>
    get(`query_range?query=${expr}&${ONE}&step=1`),
  ),
  get(`query_range?query=1&${ONE}&step=1&timeout=x`),
  get(`query_range?query=1&${ONE}&step=1&lookback_delta=x`),

  ...selectors.flatMap((selector) => [
    get(`series?match[]=${selector}`),
    get(`labels?match[]=${selector}`),
    get(`label/job/values?match[]=${selector}`),
    get(`rules?match[]=${selector}`),
  ]),
  get("series"),
  get("series?match[]=up&match[]=odd"),
  get('series?match[]=up&match[]=up{job="api"}'),
  get("series?match[]=up&match[]=up{"),
  get(`series?match[]=up&start=${AT + 100}`),
  get(`series?match[]=up&end=${DATA_START_S - 1}`),
  get(`series?match[]=up&end=${DATA_START_S}`),
  get(`series?match[]=up&start=${AT + 150}&end=${AT + 500}`),
  get(`series?match[]=up&start=${DATA_START_S + 286}`),
  get("series?match[]=up&start=-292273086-05-16T16:47:06Z&end=292277025-08-18T07:12:54.999999999Z"),
  get("series?match[]=up&start=x"),
  get("series?match[]=up&end=x"),
  get("labels"),
  get("labels?match[]=up&match[]=odd"),
  get(`labels?start=${AT + 1000}`),
  get("labels?start=x"),
  get("labels?end=x"),
  ...["job", "__name__", "nothing", "http.status", "gr%C3%B6%C3%9Fe", "U__http_2e_status"].map(
    (name) => get(`label/${name}/values`),
  ),
  ...["U__gr_f6__df_e", "U__bad_zz_", "U__", "U__a", "U__a__b", "U___", "U__d800_", "u__job"].map(
    (name) => get(`label/${name}/values`),
  ),
  ...["a-b", "1a", "%20", "__proto__", "toString", "constructor"].map((name) =>
    get(`label/${name}/values`),
  ),
  get("label/job/values?start=x"),
  get(`label/job/values?start=${AT + 1000}`),
  get("label/job/values?match[]=up&match[]=odd"),

  ...["", "type=alert", "type=record", "type=x", "exclude_alerts=true", "exclude_alerts=x"].map(
    (filter) => get(`rules?${filter}`),
  ),
  get("alerts"),
  ...["", "state=any", "state=active", "state=dropped", "state=x", "scrapePool=x"].map((filter) =>
    get(`targets?${filter}`),
  ),
  get("metadata"),
  get("metadata?metric=up"),
  get("query_exemplars?query=up"),
  get("query_exemplars?query=up&start=x"),

  post("query", `query=up&time=${AT}`),
  post(`query?query=up&time=${AT}`, ""),
  post("query?query=1&time=1", "query=2&time=2"),
  post("query", "query=1&time=1", "application/x-www-form-urlencoded; charset=UTF-8"),
  post("query", "query=1&time=1", "text/plain"),
  post("query", "query=1&time=1", "application/json"),
  post("query?query=1&time=1", "query=2&time=2", "text/plain"),
  post("query", `query=sum%20by+(job)%20(up)&time=${AT}`),
  post("query", "query==&time==&="),
  post("query_range", `query=up&${SPAN}&step=15`),
  post("query_exemplars", "query=up"),
  post("series", "match[]=up&match[]=odd"),
  post("series?match[]=up", "match[]=requests_total"),
  post("series", "match[]=up&x=%zz"),
  post("labels", "match%5B%5D=up"),
  { method: "OPTIONS", path: "query" },
  { method: "OPTIONS", path: "nosuch" },
  ...["HEAD", "PUT", "PATCH", "DELETE"].map((method) => ({ method, path: "query" })),
  ...["label/job/values", "rules", "alerts", "targets", "metadata", "status/buildinfo"].map(
    (path) => post(path, ""),
  ),
];

/** The same status and type of error, in words of our own. */
export const SAME_KIND: readonly AskedFor[] = [
  // Prometheus names the tokens of its own lexer, and what it expected instead.
  ...["up%20offset%205m", "up@1", '"a"', "{foo}", "up%20or%20up", "-up", "on", "bool", "NaN"].map(
    (selector) => get(`series?match[]=${selector}`),
  ),
  ...["1up", 'up{job="api"}}', "{=}", "{job=}", "{job=1}", '{job="a"%20x="b"}', '{job="a'].map(
    (selector) => get(`series?match[]=${selector}`),
  ),
  get(`query_range?query=1&${ONE}&step=NaN`),
  get(`query_range?query=1&${ONE}&step=Inf`),
  get("query_range?query=1&start=-9223372036854775&end=9223372036854775&step=1"),
  get("query_exemplars?query="),
  get("label/%FF/values"),
  // What is not UTF-8 is refused as a form, before it is read as an expression.
  ...["%ff", '"%ff"', "%zz", "1%00"].map((expr) => get(`query?query=${expr}&time=1`)),
  post("query", "query=%ff&time=1"),
];

/** Where ours differs on purpose: their status, and ours. */
export const DIFFERENT: readonly (readonly [theirs: number, ours: number, asked: AskedFor])[] = [
  // Out of the range of their integers, and answered for a time that nobody asked for.
  [200, 400, get("query?query=1&time=NaN")],
  [200, 400, get("query?query=1&time=Inf")],
  [200, 400, get("query?query=1&time=1e300")],
  [200, 400, get("query?query=1&time=292277025-08-18T07:12:54.999999999Z")],
  // Go's other spellings of a number and a time.
  [200, 400, get("query?query=1&time=1_000")],
  [200, 400, get("query?query=1&time=2023-11-14T22:15:00,5Z")],
  // There they divide by zero.
  [422, 400, get(`query_range?query=1&${ONE}&step=1e-9`)],
  [422, 400, get(`query_range?query=1&start=${AT}&end=${AT}.005&step=0.0005`)],
  // What cannot be decoded is left out by Go: the present would be asked for instead.
  [200, 400, get("query?query=1&time=%zz")],
  [200, 400, post("labels", "x=%zz")],
  // A label may have a slash in its name.
  [404, 200, get("label/a%2Fb/values")],
  // All groups come at once.
  [400, 200, get("rules?group_limit=x")],
  // Never implemented, and yet a method of theirs.
  [500, 405, { method: "DELETE", path: "series" }],
  // Not for those who read series.
  [200, 404, get("status/config")],
  [200, 404, get("format_query?query=up")],
];
