/** Literals and spellings, and whole expressions as they stand in rules and dashboards. */

import { builtInRules } from "../../../src/rules/built-in-rules.ts";
import { lines } from "./table.ts";

export const LITERALS: readonly string[] = lines(String.raw`
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
  {
    name: "api",
    job: "api",
    health: { http: "http://localhost/health" },
    platform: "docker" as const,
    actions: [],
  },
  {
    name: "gone",
    job: "gone",
    health: { http: "http://localhost/health" },
    platform: "docker" as const,
    actions: [],
  },
];

export const RULES: readonly string[] = RULE_SERVICES.flatMap((service) =>
  [
    { cpu: 0.8, latencySeconds: 1, memoryBytes: 200e6, errorRatio: 0.05 },
    { cpu: 0, latencySeconds: 0, memoryBytes: 0, errorRatio: 0 },
  ].flatMap((thresholds) =>
    [60_000, 20_000, 300_000].flatMap((windowMs) =>
      builtInRules({ service, thresholds, windowMs }).map(({ expr }) => String(expr)),
    ),
  ),
);

/** As they stand in dashboards and alerts of other people. */
export const IN_THE_WILD: readonly string[] = lines(`
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
