/** Functions of instant vectors and scalars. */

import { fill, lines } from "./table.ts";

export const HISTOGRAMS: readonly string[] = [
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
  ...fill(
    [
      "histogram_fraction($, odd_bucket)",
      "histogram_fraction($, rate(http_request_duration_seconds_bucket[2m]))",
    ],
    [
      ...["0, 1", "0, 0.07", "-1, 0.3", "-Inf, +Inf", "-Inf, 0.2", "0.2, +Inf", "0.05, 0.1"],
      ...["1, 1", "2, 1", "NaN, 1", "0, NaN", "3, 100", "+Inf, +Inf", "-Inf, -Inf", "1.5, 3.5"],
    ],
  ),
  ...lines(`
    histogram_fraction(0, 0.1, spelled_bucket)
    histogram_fraction(0, 0.2, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))
    histogram_fraction(0, 0.2, http_request_duration_seconds_bucket{le!="+Inf"})
    histogram_fraction(0, 0.2, up)
    histogram_fraction(0, scalar(vector(0.7)), odd_bucket) < 0.9
    histogram_fraction(0, 2, odd_bucket * -1)
    histogram_count(http_request_duration_seconds_bucket)
    histogram_sum(rate(up[1m]))
    histogram_avg(up) or up
    histogram_stddev(up)
    histogram_stdvar(up)
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

export const MATH: readonly string[] = [
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
export const DATES: readonly string[] = [
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

export const LABELS: readonly string[] = lines(String.raw`
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

export const SORTED: readonly string[] = lines(`
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
