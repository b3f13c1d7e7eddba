/** Functions of ranges and of subqueries. */

import { fill, lines } from "./table.ts";

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

export const OVER_RANGES: readonly string[] = [
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

export const SUBQUERIES: readonly string[] = lines(`
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

/** Two metrics that have the same labels once their names are gone, but hardly at the same time. */
export const RELAYED: readonly string[] = fill(
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
