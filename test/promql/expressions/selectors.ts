/** Which series, at which time, over which range. */

import { fill, lines } from "./table.ts";

export const SELECTORS: readonly string[] = lines(String.raw`
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
export const UTF8: readonly string[] = lines(`
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

export const TIME_SHIFTS: readonly string[] = [
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

export const RANGES: readonly string[] = [
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
