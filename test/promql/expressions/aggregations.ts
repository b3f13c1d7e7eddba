/** Aggregations. */

import { fill, lines } from "./table.ts";

const AGGREGATORS = ["sum", "avg", "min", "max", "count", "group", "stddev", "stdvar"] as const;

export const AGGREGATIONS: readonly string[] = [
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
