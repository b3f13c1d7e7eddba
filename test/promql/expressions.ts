/** The expressions on which our engine and a real Prometheus must agree, on the data set. */

import { builtInRules } from "../../src/core/rules.ts";

/** Each pattern with each value in place of `$`. */
function fill(patterns: readonly string[], values: readonly string[]): string[] {
  return patterns.flatMap((pattern) => values.map((value) => pattern.replaceAll("$", () => value)));
}

/** The expressions of a table, one a line. */
function lines(table: string): string[] {
  return table
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
}

const SELECTORS = lines(String.raw`
  up
  nothing_of_this_name
  http_requests_total{job="api"}
  http_requests_total{job!="api",method="GET"}
  http_requests_total{job=~"a.*|web",status=~"5.."}
  http_requests_total{job!~"a.*"}
  http_requests_total{status=~"20"}
  http_requests_total{status=~"2.+",status!~".*4"}
  http_requests_total{job="api",job!="web"}
  http_requests_total{job="api",job="web"}
  {__name__="up",job="api"}
  {__name__=~"up|build_.*"}
  {__name__=~"process_.+",job="api"}
  {job="api",__name__!~"http.*|process.*"}
  {__name__=~".*info"}
  {__name__="up"} == 1
  up{job=~""}
  up{job=~".*"}
  up{job=~".+"}
  up{job!=""}
  up{absent=""}
  up{absent!=""}
  up{absent=~""}
  up{absent=~"|x"}
  up{absent!~"x"}
  up{absent!~""}
  up{absent!~".+"}
  up{absent=~".*"}
  up{absent="x"}
  up{job="api",}
  up{}
  odd{text=""}
  odd{text!=""}
  odd{text=" "}
  odd{text="a.b"}
  odd{text=~"a.b"}
  odd{text=~"a\\.b"}
  odd{text=~'a\\.b'}
  odd{text=~${"`a\\.b`"}}
  odd{text!~"a[.]b"}
  odd{text=~"(?i)mixed"}
  odd{text=~"(?i:MIX)ed"}
  odd{text=~"(?i:MIX)eD"}
  odd{text=~"mixed"}
  odd{text=~".*\\p{Han}.*"}
  odd{text=~"back.*"}
  odd{text=~"(?s)back.*"}
  odd{text=~"(?-s)back.*"}
  odd{text="back\\slash\nnew line\ttab"}
  odd{text='"double" \'single\' \x60back\x60'}
  odd{text="\u0022double\" 'single' \140back\140"}
  odd{text=~"[^a-z]+"}
  odd{text=~"\\$1.*"}
  odd{text=~"-?\\d+\\.\\d+e3"}
  odd{text=~"a.b.*\\?"}
  odd{text=~"^a.b$"}
  odd{text=~"a.b|^$"}
  odd{text=~"a|x|a.b|"}
  odd{text=~"(a|b)[.x](a|b)"}
  odd{text=~"a.b{1,2}"}
  odd{text=~"\\Qa.b\\E"}
  odd{text=~"\\Qa.b"}
  odd{text=~"[[:alpha:]]+"}
  odd{name=~"[a-m].*",name!~"b.*|c.*"}
  odd{name=~"utf8|regex|quotes"}
  odd{name!~"utf8|regex|quotes"}
  odd{name=~"UPPER|(?i)BLANK"}
  {"up",job="api"}
  {"up","job"="api"}
  {'recorded:by:rule'}
  recorded:by:rule
  {"zone.de"!=""}
  temperature
  single
  life
  irregular
  ticks_total
  constant
  twin_1
  number
  moment
`);

/** Apart, because Bun 1.4.5 gives what is not ASCII in a raw template as its escape. */
const UTF8 = lines(`
  odd{text=~"größe.*"}
  odd{text=~"größe .. ."}
  odd{text=~".*🙂"}
  {"speicher.größe"}
  {"speicher.größe","zone.de"="süd"}
  {"speicher.größe","zone.de"=~"n.*"}
  sum by ("zone.de") ({"speicher.größe"})
  sum without ("zone.de", plain) ({"speicher.größe"})
  "größe"
  odd{text=~".*[ß-ü].*"}
  label_replace({"speicher.größe"}, "zone.de", "weiß-$1", "zone.de", "(.).*")
  label_join({"speicher.größe"}, "größe", "→", "plain", "zone.de")
  {"speicher.größe"} + on ("zone.de") group_left sum by ("zone.de") ({"speicher.größe"})
  count_values("größe", {"speicher.größe"})
`);

const TIME_SHIFTS = [
  ...fill(
    [
      'http_requests_total{job=~"api|db"} $',
      "life $",
      "ticks_total $",
      "rate(http_requests_total[2m] $)",
      "count_over_time(life[2m] $)",
    ],
    [
      "offset 1m",
      "offset 4m59s999ms",
      "offset -2m",
      "offset 5m1s",
      "@ 1709164500",
      "@ 1709164500.5",
      "@ start()",
      "@ end()",
      "@ end() offset 1m",
      "offset 90s @ 1709164800",
    ],
  ),
  ...lines(`
    up @ 0
    up @ -1
    up @ 1.7091639e9
    up offset 0s
    up offset 1m30s
    up offset 90
    up offset 1.5
    life[1m:20s] @ 1709164500
    sum(up offset 1m) - sum(up)
    ticks_total - ticks_total offset 10s
    time() - timestamp(up)
    timestamp(up)
    timestamp(up offset 1m)
    timestamp(life offset 1m)
    timestamp(life offset 4m59s999ms)
    timestamp(life offset -2m)
    timestamp(life @ 1709164500.5)
    timestamp(life @ start())
    timestamp(life @ end())
    timestamp(up @ 1709164500)
    timestamp(-up)
    timestamp(timestamp(up))
    timestamp(sum(up))
    timestamp(vector(1))
    timestamp((up))
    last_over_time(timestamp(irregular)[2m:10s])
  `).filter((line) => !/\) @ |\) offset 1m or/.test(line)),
];

const RANGES = [
  ...fill(
    ['http_requests_total{job=~"api|db",status="200"}[$]', "life[$]", "ticks_total[$]"],
    ["1ms", "15s", "1m", "2m30s", "90", "0.5", "1h"],
  ),
  ...lines(`
    number[1m]
    irregular[45s]
    single[5m]
    {__name__=~"twin_.",group="same"}[30s]
    up[1m] offset 1m
    up[1m] @ 1709164500
    nothing_of_this_name[5m]
  `),
];

const RANGE_FUNCTIONS = [
  "rate",
  "irate",
  "increase",
  "delta",
  "idelta",
  "deriv",
  "changes",
  "resets",
  "avg_over_time",
  "min_over_time",
  "max_over_time",
  "sum_over_time",
  "count_over_time",
  "stddev_over_time",
  "stdvar_over_time",
  "last_over_time",
  "present_over_time",
  "absent_over_time",
] as const;

const OVER_RANGES = [
  ...RANGE_FUNCTIONS.flatMap((name) =>
    fill(
      [`${name}($)`],
      [
        "http_requests_total[1m]",
        "http_requests_total[5m]",
        "life[2m]",
        "number[90s]",
        "ticks_total[17s]",
        "irregular[3m]",
        "temperature[4m]",
        "single[7m]",
        "constant[1m]",
        "life[4m:20s]",
        "nothing_of_this_name[1m]",
      ],
    ),
  ),
  ...fill(
    ["quantile_over_time($, number[2m])", "quantile_over_time($, life[2m])"],
    ["0", "0.5", "0.9", "1", "-0.1", "1.1", "NaN", 'scalar(constant{kind="third"})'],
  ),
  ...fill(
    ["predict_linear($, 60)", "predict_linear($, -3.5)", "predict_linear($, NaN)"],
    ["temperature[3m]", "number[1m]", "irregular[2m]", "constant[1m]", "single[10m]"],
  ),
  ...lines(`
    rate(http_requests_total{job="api"}[14s])
    rate(http_requests_total{job="api"}[15s])
    rate(http_requests_total{job="api"}[30s])
    rate(http_requests_total{job="api"}[30001ms])
    rate(http_requests_total{job="api"}[45s])
    increase(http_requests_total{instance="web:2"}[10m])
    increase(life{kind="starts_at_zero"}[10m])
    increase(life{kind="starts_at_zero"}[1m])
    increase(life{kind="comes_back"}[20m])
    rate(life{kind="comes_back"}[9m])
    delta(life{kind="blinks"}[3m])
    absent_over_time(nothing_of_this_name{job="api",x=~"y"}[5m])
    absent_over_time({job="api",job="web"}[5m])
    absent_over_time(rate(nothing_of_this_name[1m])[5m:1m])
    last_over_time({__name__=~"twin_.*"}[1m])
    {__name__=~"twin_1"} + last_over_time({__name__=~"twin_1"}[1m])
    present_over_time(up{job="api"}[1m]) == 1
    changes(process_start_time_seconds[10m])
    predict_linear(process_resident_memory_bytes[5m], 4 * 3600)
    deriv(process_resident_memory_bytes[5m])
    deriv(number{kind="huge"}[1m])
    stddev_over_time(constant[10m])
    sum_over_time(number{kind="big_and_small"}[2m])
    avg_over_time(number{kind="big_and_small"}[2m])
    avg_over_time(number{kind="huge"}[5m])
  `),
];

const SUBQUERIES = lines(`
  up[2m:30s]
  up[2m:]
  life[3m:17s]
  temperature[1m:7s] offset 30s
  temperature[1m:7s] offset -30s
  temperature[1m:15s] @ 1709164500
  (temperature > 0)[3m:10s]
  max_over_time(rate(http_requests_total[1m])[3m:15s])
  min_over_time(rate(http_requests_total{job="api"}[1m])[3m:])
  rate(sum(http_requests_total{job="api"})[3m:15s])
  avg_over_time(sum by (job) (rate(http_requests_total[1m]))[4m:20s])
  max_over_time(max_over_time(temperature[1m:10s])[2m:20s])
  max_over_time(min_over_time(rate(ticks_total[20s])[1m:5s])[3m:30s] offset 1m)
  sum_over_time((up == 1)[5m:1m])
  sum_over_time(vector(1)[5m:1m])
  avg_over_time(temperature[5m:1m] offset 2m)
  avg_over_time(temperature[5m:1m] @ end())
  avg_over_time((temperature offset 1m)[2m:20s])
  avg_over_time((temperature @ 1709164500)[2m:20s])
  avg_over_time((temperature @ start())[2m:20s])
  quantile_over_time(0.5, (temperature * 2)[2m:13s])
  absent_over_time((up > 5)[2m:30s])
  changes((temperature > bool 0)[10m:15s])
  last_over_time(label_replace(temperature, "city", "x-$1", "city", "(.*)")[1m:15s])
  rate(http_requests_total{job="api"}[1m])[2m:30s]
  count_over_time(life[1m:15s])
  count_over_time(life[1m:15s1ms])
  timestamp(up)[1m:20s]
  topk(1, temperature)[1m:20s]
  sum_over_time(topk(1, temperature)[1m:20s])
  increase(ticks_total[1m:5s])
  increase((ticks_total)[1m:5s] offset 90s)
  sum_over_time(vector(time())[1m:10s])
  deriv(vector(time())[1m:13s])
`);

const ARITHMETIC = [
  ...fill(
    ["number $ 3", "number $ -0.7", "7 $ number", "temperature $ temperature", "9 $ 4"],
    ["+", "-", "*", "/", "%", "^", "atan2"],
  ),
  ...fill(["number $ 0", "0 $ number", "number $ Inf", "-Inf $ number"], ["/", "%", "^", "*"]),
  ...lines(`
    1 / 0
    -1 / 0
    0 / 0
    5 % 0
    -5 % 3
    5 % -3
    5.5 % -2.25
    Inf % 3
    3 % Inf
    0 ^ 0
    NaN ^ 0
    1 ^ NaN
    (-1) ^ 0.5
    (-1) ^ Inf
    (-8) ^ 3
    -1 ^ 2
    -2 ^ 2
    2 ^ -1
    2 ^ 3 ^ 2
    (2 ^ 3) ^ 2
    2 ^ 0.5
    1e308 * 10
    5e-324 / 2
    1 + 2 * 3 - 4 / 5 % 6 ^ 7
    10 - 4 - 3
    2 * 3 % 4
    -1 - -1
    - - 1
    +1
    +-+1
    -(3)
    1 atan2 0
    0 atan2 -1
    -0 atan2 -1
    NaN atan2 1
    Inf atan2 -Inf
    -up
    +up
    -(-up)
    -number
    -temperature ^ 2
    -{__name__="up"}
    - sum(up)
    up * 1
    1 * up
    up + up
    up + on (job, instance) up
    up - on (job, instance) build_info
    up + ignoring (version, region) build_info
    http_requests_total{job="api",status="500"} / ignoring (status) http_requests_total{job="api",status="200"}
    http_requests_total / 0
    (http_requests_total - http_requests_total) / 0
    rate(http_requests_total[1m]) * 60
    up + vector(1)
    vector(1) + vector(2)
    vector(1) + on () vector(2)
    sum(up) + on () vector(2)
    scalar(sum(up)) + up
    time() * 2
    temperature + time()
  `),
];

const COMPARISONS = [
  ...fill(
    ["number $ 1", "1 $ number", "number $ bool 1", "1 $ bool 2", "number $ NaN"],
    ["==", "!=", ">", "<", ">=", "<="],
  ),
  ...fill(
    ["temperature $ temperature offset 1m", "temperature $ bool (temperature offset 1m)"],
    ["==", "!=", ">", "<", ">=", "<="],
  ),
  ...lines(`
    number == number
    number != number
    number == bool number
    NaN == bool NaN
    NaN != bool NaN
    Inf == bool Inf
    -Inf < bool Inf
    1 == bool 1.0
    0 == bool -0
    up == 1
    up == 0
    up > 0 < 2
    up == bool 1 == bool 0
    1 < bool 2 < bool 3
    (up > bool 0) * 7
    up > 0.5 and up < 2
    join_src > on (code) group_left join_dst
    join_src < on (code) join_dst
    join_src < bool on (code) join_dst
    join_dst > on (code) join_src
    join_dst > bool on (code) group_left (zone) join_src
    join_dst > on (code) group_left join_src
    join_dst > on (code) group_right join_src
    join_dst > ignoring (side) join_src
    temperature > 5
    5 < temperature
    temperature > scalar(constant{kind="third"})
    scalar(up) > bool 1
    time() > bool 1709164500
    vector(time()) > 1709164500
    (http_requests_total > 100) > 200
    process_resident_memory_bytes > 200e6
    process_resident_memory_bytes / 1024 / 1024 >= 100
  `),
];

const SETS = lines(`
  up and up
  up or up
  up unless up
  up and on (job) http_requests_total
  up and on () vector(1)
  up and on () (vector(1) > 2)
  up or on () vector(1)
  up or vector(1)
  up or on (job) build_info
  up or ignoring (version, region) build_info
  up or build_info
  up unless on (job) up{job="api"}
  up unless on (instance) (up == 0)
  up unless ignoring (job) up{job="web"}
  up and ignoring (instance) up{instance="api:1"}
  vector(1) or up
  vector(1) and up
  vector(1) unless up
  nothing_of_this_name or up
  up or nothing_of_this_name
  up unless nothing_of_this_name
  nothing_of_this_name unless up
  up and nothing_of_this_name
  nothing_of_this_name or vector(0)
  up == 1 or up == 0
  up or up == 0 and up == 1
  up and up or up unless up
  up or temperature and number
  (up or temperature) and number
  up unless up or up
  sum(up) or sum(temperature)
  sum by (job) (up) and on (job) sum by (job) (http_requests_total > 0)
  join_src and on (code) join_dst{code!="b"}
  join_src or on (code) join_many
  join_many unless on (code) join_src
  number and number > 0
  {__name__=~"twin_.*"} and twin_1
  {__name__=~"twin_.*"} or twin_1
  {__name__=~"twin_.*"} unless ignoring (group) twin_1
  -up or up
  up or -up
  rate(http_requests_total[1m]) or http_requests_total
  absent(nothing_of_this_name) and on () up
  absent(nothing_of_this_name) or on () up
  life and life offset 2m
  life or life offset 2m
  life unless life offset 2m
  life offset 2m unless life
`);

const JOINS = lines(`
  up * on (instance) group_left (version) build_info
  up * on (instance, job) group_left (version, region) build_info
  up * on (instance) group_left build_info
  up * on (instance) group_left () build_info
  build_info * on (instance) group_right (version) up
  build_info * on (instance) group_right up
  http_requests_total * on (instance) group_left (version) build_info
  http_requests_total * on (job, instance) group_left (version) build_info
  rate(http_requests_total[1m]) * on (instance) group_left (version) build_info
  sum by (version) (rate(http_requests_total[1m]) * on (instance) group_left (version) build_info)
  http_requests_total / on (instance) group_left sum by (instance) (http_requests_total)
  http_requests_total / ignoring (status) group_left sum without (status) (http_requests_total)
  sum without (status) (http_requests_total) / ignoring (status) group_right http_requests_total
  join_many * on (code) group_left (owner) join_one
  join_many * on (code) group_left (missing) join_one
  join_one * on (code) group_right (owner) join_many
  join_many * ignoring (shard, kind, owner) group_left (owner) join_one
  join_many - on (code) group_left join_src
  join_src + on (code) join_dst
  join_src + on (code, zone) join_dst
  join_src + ignoring (side) join_dst
  join_src + join_dst
  join_src + on (missing) group_left vector(1)
  join_many + on () group_left vector(3)
  vector(2) ^ on () group_right join_many
  join_many % on (code) group_left join_one
  join_many atan2 on (code) group_left join_one
  join_many / on (code) group_left join_one
  join_many > on (code) group_left (owner) join_one
  join_many == on (code) group_left (owner) join_one
  join_many > bool on (code) group_left (owner) join_one
  join_one < on (code) group_right (owner) join_many
  join_many * on (code, shard) group_left (owner) join_one
  up * on (instance) group_left ("version") build_info
  twin_1 + twin_2 + twin_3
  twin_1 / on (group) twin_2
  twin_1 / on (group) group_left twin_2
  twin_1 == on (group) twin_1
  twin_1 + on (group, __name__) twin_1
  twin_1 + on (group, __name__) twin_2
  twin_1 > ignoring (group) twin_2
`);

const AGGREGATORS = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"] as const;

const AGGREGATIONS = [
  ...AGGREGATORS.flatMap((name) =>
    fill(
      [
        `${name}($)`,
        `${name} by (job) ($)`,
        `${name} by (kind, city) ($)`,
        `${name}($) by (status, method)`,
        `${name} without (instance, kind) ($)`,
        `${name}($) without (status)`,
      ],
      ["http_requests_total", "number", "nothing_of_this_name", '{__name__=~"up|temperature"}'],
    ),
  ),
  ...AGGREGATORS.flatMap((name) =>
    fill([`${name}($)`], ["temperature", "irregular", "up > 3", "vector(4)", "rate(life[2m])"]),
  ),
  ...fill(
    [
      "quantile($, temperature)",
      "quantile by (job) ($, http_requests_total)",
      "quantile($, number)",
    ],
    ["0", "0.3", "0.5", "0.95", "1", "-1", "2", "NaN", 'scalar(constant{kind="third"})'],
  ),
  ...fill(
    [
      "topk($, temperature)",
      "bottomk($, temperature)",
      "topk by (job) ($, process_cpu_seconds_total)",
    ],
    ["0", "1", "2", "2.9", "100", "-1", "scalar(sum(up))"],
  ),
  ...lines(`
    topk(2, number{kind=~"integer|half|unit|zero|huge|infinity|some_nan"})
    bottomk(2, number{kind=~"integer|huge|infinity|nan"})
    topk(10, number{kind=~"integer|huge|infinity|nan"})
    bottomk(10, number{kind=~"integer|huge|infinity|nan"})
    topk(3, rate(http_requests_total[5m]))
    bottomk(3, process_resident_memory_bytes)
    topk without (instance) (1, process_resident_memory_bytes)
    bottomk by (job) (1, process_resident_memory_bytes)
    topk(1, process_resident_memory_bytes) by (job)
    topk(1, nothing_of_this_name)
    sum(topk(2, temperature))
    topk(2, temperature) * 2
    topk(1, temperature) or bottomk(1, temperature)
    count_values("value", up)
    count_values("value", number)
    count_values("value", constant)
    count_values("city", temperature > 1e9)
    count_values by (job) ("up", up)
    count_values without (instance) ("up", up)
    count_values by (kind) ("kind", number)
    count_values("value", moment)
    count_values("value", nothing_of_this_name)
    count_values("value.de", build_info)
    count_values("value", round(temperature, 0.25))
    count_values("value", number{kind="integer"} * 1e20)
    count_values("value", number{kind="integer"} / 1e10)
    sum by () (up)
    sum without () (up)
    sum by (job,) (up)
    sum by (missing) (up)
    sum by (job, job) (up)
    sum by (__name__) ({__name__=~"up|build_info"})
    sum without (__name__) ({__name__=~"up|build_info"})
    count without (job, instance, missing) ({__name__=~"up|build_info"})
    sum by (on) (up)
    sum by (sum) (up)
    sum(sum by (job) (sum by (job, instance) (http_requests_total)))
    avg by (job) (rate(http_requests_total[1m])) > 1
    avg(number{kind=~"huge|zero|integer"})
    avg(number{kind="huge"} * 1)
    sum(number{kind=~"big_and_small|unit"})
    max(number{kind=~"nan|some_nan"})
    min(number{kind="nan"})
    max(number{kind="nan"})
    stddev(constant{kind="third"})
    SUM(up)
    Sum By (job) (up)
    COUNT(up) + max(up)
    group(up) + group by () (up)
    sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m]))
    sum by (job) (rate(http_requests_total[1m]))
    sum(up) by (job) + on (job) sum(up) by (job)
    avg without (route, status, method) (increase(http_requests_total[3m]))
  `),
];

const HISTOGRAMS = [
  ...fill(
    [
      "histogram_quantile($, odd_bucket)",
      "histogram_quantile($, rate(http_request_duration_seconds_bucket[2m]))",
      "histogram_quantile($, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
    ],
    [
      "0",
      "0.1",
      "0.25",
      "0.5",
      "0.9",
      "0.99",
      "1",
      "-1",
      "1.5",
      "NaN",
      'scalar(constant{kind="third"})',
    ],
  ),
  ...lines(`
    histogram_quantile(0.9, http_request_duration_seconds_bucket)
    histogram_quantile(0.9, http_request_duration_seconds_bucket{le!="+Inf"})
    histogram_quantile(0.9, http_request_duration_seconds_bucket{le="+Inf"})
    histogram_quantile(0.9, spelled_bucket)
    histogram_quantile(0.5, sum by (le, job) (increase(http_request_duration_seconds_bucket[3m])))
    histogram_quantile(0.5, sum by (job) (increase(http_request_duration_seconds_bucket[3m])))
    histogram_quantile(0.5, up)
    histogram_quantile(0.5, nothing_of_this_name)
    histogram_quantile(0.5, odd_bucket * -1)
    histogram_quantile(0.5, odd_bucket{kind!="twice"} / 0)
    histogram_quantile(scalar(vector(0.7)), odd_bucket)
    histogram_quantile(0.5, sum without (instance) (rate(http_request_duration_seconds_bucket[1m]))) > 0.1
      max_over_time(histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[1m])))[3m:30s])
  `),
];

const MATH = [
  ...fill(
    ["$(number)", "$(temperature / 10)"],
    [
      ...["abs", "ceil", "floor", "round", "sgn", "sqrt", "exp", "ln", "log2", "log10"],
      ...["sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh"],
      ...["asinh", "acosh", "atanh", "deg", "rad"],
    ],
  ),
  ...fill(
    ["round(number, $)", "round(temperature, $)"],
    ["1", "0.1", "0.5", "10", "-2", "0", "NaN", "1e-9", "5e-324"],
  ),
  ...lines(`
    clamp(number, -1, 2)
    clamp(temperature, 0, 5)
    clamp(temperature, 5, 0)
    clamp(number, NaN, 1)
    clamp(number, 0, NaN)
    clamp(number, -Inf, Inf)
    clamp_min(number, 0)
    clamp_max(number, 0)
    clamp_min(number, NaN)
    clamp_max(number, NaN)
    clamp_min(temperature, scalar(vector(3)))
    clamp_max(temperature, time())
    clamp(temperature, scalar(nothing_of_this_name), 5)
    pi()
    pi() * 2
    deg(vector(pi()))
    cos(vector(pi()))
    abs(-temperature)
    abs(sum(temperature))
    sgn(delta(temperature[1m]))
    ln(http_requests_total)
    exp(ln(number{kind!="huge"}))
    sqrt(number) ^ 2
    ceil(rate(http_requests_total[1m]))
    floor(-number)
    round(-number)
    round(number{kind="half"})
    round(vector(0.49999999999999994))
    round(vector(2.5))
    round(vector(-2.5))
    round(vector(1.005), 0.01)
    scalar(temperature)
    scalar(single{kind="positive"})
    scalar(up{job="web"})
    scalar(nothing_of_this_name)
    scalar(vector(3)) + 1
    vector(scalar(up{job="web"}))
    vector(NaN)
    vector(-0)
    vector(time())
    time()
    time() - 1709164800
    absent(up)
    absent(nothing_of_this_name)
    absent(nothing_of_this_name{job="api"})
    absent(nothing_of_this_name{job="api",job="web"})
    absent(nothing_of_this_name{job="api",job!="web",x=~"y",z=""})
    absent({job="gone"})
    absent({__name__="gone",job="x"})
    absent({__name__=~"gone",job="x"})
    absent({"größe.weg","zone.de"="süd"})
    absent(sum(nothing_of_this_name{job="api"}))
    absent((nothing_of_this_name{job="api"}))
    absent(((nothing_of_this_name{job="api"} @ 1709164500)))
    absent(+nothing_of_this_name{job="api"})
    absent_over_time((nothing_of_this_name{job="api"}[1m]))
    absent_over_time((nothing_of_this_name{job="api"})[1m:10s])
    topk(scalar(nothing_of_this_name), nothing_of_this_name)
    quantile(scalar(nothing_of_this_name), up)
    absent(nothing_of_this_name{job="api"} > 1)
    absent(nothing_of_this_name{job="api"} offset 1m)
    absent(nothing_of_this_name{job="api"} @ 1709164500)
    absent(-nothing_of_this_name{job="api"})
    absent(rate(nothing_of_this_name{job="api"}[1m]))
    absent(up{job="api"} == 5)
    absent(absent(up))
    absent(single)
  `),
];

/** Of seconds that an `int64` holds: what else gives depends on the processor, see the docs. */
const DATES = [
  ...fill(
    ["$()", "$(moment)", "$(vector(time()))", '$(number{kind=~"integer|half|unit|zero|big.*"})'],
    [
      ...["minute", "hour", "day_of_week", "day_of_month"],
      ...["day_of_year", "days_in_month", "month", "year"],
    ],
  ),
  ...lines(`
    hour(timestamp(up))
    day_of_year(vector(1735603200))
    day_of_year(vector(1709164800))
    days_in_month(vector(1708000000))
    days_in_month(vector(1677000000))
    days_in_month(vector(4107542400))
    year(vector(-1))
    month(vector(-86401))
    day_of_week(vector(-86400))
    minute(vector(59.999))
    hour() * 60 + minute()
    hour() >= 23 or hour() < 1
    up and on () hour() == 23
  `),
];

const LABELS = lines(String.raw`
  label_replace(up, "host", "$1", "instance", "(.*):(.*)")
  label_replace(up, "host", "$2-$1", "instance", "(.*):(.*)")
  label_replace(up, "host", "${"${1}"}x", "instance", "(.*):.*")
  label_replace(up, "host", "${"${name}"}", "instance", "(?P<name>.*):.*")
  label_replace(up, "host", "$name", "instance", "(?P<name>.*):.*")
  label_replace(up, "host", "$1x", "instance", "(.*):.*")
  label_replace(up, "host", "$3", "instance", "(.*):(.*)")
  label_replace(up, "host", "$$1", "instance", "(.*):(.*)")
  label_replace(up, "host", "$0", "instance", "(.*):(.*)")
  label_replace(up, "host", "x", "instance", "api")
  label_replace(up, "host", "x", "instance", "api.*")
  label_replace(up, "host", "x", "missing", "")
  label_replace(up, "host", "x", "missing", ".*")
  label_replace(up, "host", "x$1", "missing", "(.*)")
  label_replace(up, "host", "", "instance", ".*")
  label_replace(up, "job", "", "instance", ".*")
  label_replace(up, "job", "$1", "instance", "(.*):1")
  label_replace(up, "__name__", "down", "job", ".*")
  label_replace(up, "__name__", "", "job", ".*")
  label_replace(up, "x.y", "$1", "job", "(.*)")
  label_replace(odd, "copy", "$1", "text", "(.*)")
  label_replace(odd, "copy", "$1", "text", "(?s)(.*)")
  label_replace(odd, "copy", "$1", "text", "(.).*")
  label_replace(odd, "copy", "$1|$2", "text", "(a)?(.*)")
  label_replace(odd, "text", "", "text", ".*")
  label_replace(nothing_of_this_name, "a", "b", "c", "d")
  label_replace(sum by (job) (up), "job", "x-$1", "job", "(.*)")
  label_replace(rate(http_requests_total[1m]), "class", "${"${1}"}xx", "status", "(.)..")
  sum by (class) (label_replace(rate(http_requests_total[1m]), "class", "$1xx", "status", "(.).."))
  sum by (class) (label_replace(rate(http_requests_total[1m]), "class", "${"${1}"}xx", "status", "(.).."))
  rate(label_replace(http_requests_total, "x", "y", "", "")[1m:15s])
  label_join(up, "both", "-", "job", "instance")
  label_join(up, "both", "", "job", "instance")
  label_join(up, "both", "-", "instance", "missing", "job")
  label_join(up, "both", "-")
  label_join(up, "both", "-", "missing")
  label_join(up, "job", "/", "job", "job")
  label_join(up, "job", "")
  label_join(up, "__name__", "_", "__name__", "job")
  label_join(up, "x.y", ", ", "job")
  label_join(nothing_of_this_name, "a", "b", "c")
  label_join(label_replace(up, "host", "$1", "instance", "(.*):.*"), "both", "@", "job", "host")
  count by (text) (label_join(odd, "text", "~", "text", "name"))
`);

const SORTED = lines(`
  sort(temperature)
  sort_desc(temperature)
  sort(process_resident_memory_bytes)
  sort_desc(rate(http_requests_total{status="200"}[5m]))
  sort(number{kind=~"integer|huge|infinity|minus_infinity|nan|half"})
  sort_desc(number{kind=~"integer|huge|infinity|minus_infinity|nan|half"})
  sort(-temperature)
  sort_desc(sum by (city) (temperature))
  sort(nothing_of_this_name)
  sort(topk(3, temperature))
  sort_desc(bottomk(3, temperature))
`);

const LITERALS = lines(String.raw`
  0
  -0
  42
  4.2
  .5
  1e3
  1E3
  1e-3
  1.5e+3
  0x1f
  -0x10
  017
  1_000
  1_0.2_5
  Inf
  inf
  INF
  +Inf
  -Inf
  NaN
  nan
  5m
  1h30m
  1d
  1w
  1y
  10ms
  1h1s
  5m * 2
  -1m
  up * 1m
  vector(1h)
  "text"
  'text'
  ${"`raw \\n text`"}
  "a\tb\nc\\d\"e"
  'a\'b'
  "\x41\u00e9\U0001F642\101"
  ""
  up # a comment
  up{job="#api"} # a "comment
  (up)
  ((((1))))
  ( ( up ) )
  up{ job = "api" , instance != "x" }
  sum   by(job)(up)
  sum by(job)(up)
  up+up
  up-1
  up{job="api"}[1m]offset 1m
  rate(up[1m])
  rate((up[1m]))
  sum((up))
  1 -1
  1-1
  by
  sum_over_time
  start
  end
  start + end
  and
  sum
  pi
  time
  {"up","down"}
  {"up",__name__="up"}
  bottomk(-1e300, up)
  atan2_x
  e1
  {bool="x"}
  nan_x or inf_x
  up{on="x",by="y",bool="z"}
  sum by (bool, offset, by) (up)
`);

const RULE_SERVICES = [
  { name: "api", job: "api", healthUrl: "http://localhost/health", actions: [] },
  { name: "gone", job: "gone", healthUrl: "http://localhost/health", actions: [] },
];

const RULES = RULE_SERVICES.flatMap((service) =>
  [
    { cpu: 0.8, latencySeconds: 1, memoryBytes: 200e6, errorRatio: 0.05 },
    { cpu: 0, latencySeconds: 0, memoryBytes: 0, errorRatio: 0 },
  ].flatMap((thresholds) =>
    [60_000, 20_000, 300_000].flatMap((windowMs) =>
      builtInRules(service, thresholds, windowMs).map(({ expr }) => String(expr)),
    ),
  ),
);

/** Two metrics that have the same labels once their names are gone, but hardly at the same time. */
const RELAYED = fill(
  lines(`
    $
    rate($[1m])
    increase($[5m])
    max_over_time($[2m])
    last_over_time($[2m])
    present_over_time($[12m])
    rate($[2m:15s])
    sum_over_time(abs($)[3m:20s])
    last_over_time($[3m:20s])
    rate(label_replace($, "__name__", "relay", "", "")[2m:10s])
    -$
    +$
    abs($)
    $ * 2
    2 / $
    $ > 900
    $ > bool 900
    $ offset 3m + $
    $ or vector(1)
    $ and $
    $ unless $ offset 1m
    sum($)
    sum without (nothing) ($)
    sum by (runner) ($)
    max by (__name__) ($)
    topk(1, $)
    topk without (runner) (1, $)
    count_values("value", sgn($))
    timestamp($)
    round($, 10)
    clamp_max($, 100)
    minute($)
    absent($)
    absent_over_time($[1m])
    label_replace($, "runner", "other", "runner", ".*")
    label_replace($, "__name__", "relay", "runner", ".*")
    label_replace($, "__name__", "", "runner", ".*")
    label_join($, "__name__", "-", "runner")
    sort($)
    scalar($)
    histogram_quantile(0.5, label_replace($, "le", "+Inf", "", ""))
    $ @ 1709164500
    rate($[1m] @ end())
    predict_linear($[1m], 10)
    quantile_over_time(0.5, $[1m])
    $ + on (runner) group_left $
  `),
  ['{__name__=~"relay_.*"}'],
);

/** As they stand in dashboards and alerts of other people. */
const IN_THE_WILD = lines(`
  100 * (1 - avg by (instance) (rate(process_cpu_seconds_total[5m])))
  sum by (job) (rate(http_requests_total{status=~"5.."}[5m])) / sum by (job) (rate(http_requests_total[5m])) * 100 > 1
  (sum by (job) (rate(http_requests_total{status=~"4..|5.."}[5m])) or sum by (job) (up) * 0) / sum by (job) (rate(http_requests_total[5m]))
  1 - (sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m])))
  sum(rate(http_request_duration_seconds_bucket{le="0.25"}[5m])) by (job) / sum(rate(http_request_duration_seconds_bucket{le="+Inf"}[5m])) by (job)
  (sum(rate(http_request_duration_seconds_bucket{le="0.25"}[5m])) + sum(rate(http_request_duration_seconds_bucket{le="1"}[5m]))) / 2 / sum(rate(http_request_duration_seconds_bucket{le="+Inf"}[5m]))
  time() - process_start_time_seconds
  (time() - process_start_time_seconds) / 86400
  count(up == 0) or vector(0)
  count by (job) (up == 1) / count by (job) (up)
  avg_over_time(up[10m]) * 100
  max_over_time(up[5m]) - min_over_time(up[5m])
  changes(up[10m]) > 0
  resets(http_requests_total[30m])
  predict_linear(process_resident_memory_bytes[10m], 3600) > 1e9
  (http_requests_total - http_requests_total offset 5m) / 300
  rate(http_requests_total[5m]) / rate(http_requests_total[5m] offset 5m) > 1.2
  abs(temperature - avg_over_time(temperature[10m])) > 2 * stddev_over_time(temperature[10m])
  (temperature - scalar(avg(temperature))) / scalar(stddev(temperature))
  (temperature - on () group_left avg(temperature)) / on () group_left stddev(temperature)
  topk(3, sum by (route) (rate(http_requests_total[5m])))
  quantile(0.9, rate(http_requests_total[5m]))
  sum(increase(http_requests_total[1h]))
  sum by (instance) (changes(process_start_time_seconds[15m])) >= 2
  up{job="api"} == 0 unless on (instance) (time() - process_start_time_seconds < 60)
  absent(up{job="api"} == 1)
  min without (instance) (up)
  max by (version) (up * on (instance) group_left (version) build_info)
  count(count by (version) (build_info)) > 1
  label_replace(sum by (instance) (up), "host", "$1", "instance", "([^:]+).*")
  sum(rate(http_requests_total[1m])) > bool 10
  sum(sum_over_time((rate(http_requests_total[1m]) > bool 1)[10m:1m]))
  stddev by (job) (rate(http_requests_total[5m])) / avg by (job) (rate(http_requests_total[5m]))
  avg_over_time((sum(rate(http_requests_total[1m])))[10m:1m])
  deriv(process_resident_memory_bytes[10m]) > 0 and process_resident_memory_bytes > 1e8
  ALERTS{alertstate="firing"} or up == 0
`);

/** All different. */
export const EXPRESSIONS: readonly string[] = [
  ...new Set([
    ...SELECTORS,
    ...UTF8,
    ...TIME_SHIFTS,
    ...RANGES,
    ...OVER_RANGES,
    ...SUBQUERIES,
    ...ARITHMETIC,
    ...COMPARISONS,
    ...SETS,
    ...JOINS,
    ...AGGREGATIONS,
    ...HISTOGRAMS,
    ...MATH,
    ...DATES,
    ...LABELS,
    ...SORTED,
    ...LITERALS,
    ...RELAYED,
    ...RULES,
    ...IN_THE_WILD,
  ]),
];
