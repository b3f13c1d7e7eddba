/** Arithmetic, comparisons, sets, and how the series of two sides find each other. */

import { fill, lines } from "./table.ts";

export const ARITHMETIC: readonly string[] = [
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

export const COMPARISONS: readonly string[] = [
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

export const SETS: readonly string[] = lines(`
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

export const JOINS: readonly string[] = lines(`
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
