/** What anybody on this machine may ask of the API, at a cost of their choice. */

import type { Costly } from "./costly.ts";

const nested = (count: number, around: (inner: string, index: number) => string, inner: string) =>
  Array.from({ length: count }).reduce<string>((text, _, index) => around(text, index), inner);

const query = (text: string, name?: string): Costly => ({
  name: name ?? `query ${text.slice(0, 60)}`,
  ask: { path: "query", form: { query: text } },
});
const range = (text: string, steps = 11_000): Costly => ({
  name: `range ${text.slice(0, 60)}`,
  ask: {
    path: "query_range",
    form: { query: text, start: "0", end: String(steps), step: "1" },
  },
});
/** Steps of a millisecond that end at the present, over all series. */
const recent = (text: string): Costly => ({
  name: `recent range ${text.slice(0, 60)}`,
  ask: {
    path: "query_range",
    form: {
      query: text,
      start: String(Date.now() / 1000 - 10),
      end: String(Date.now() / 1000),
      step: "0.001",
    },
  },
});

const ALL = '{__name__=~".+"}';
const SEEDED = 'label_replace(up, "a", "xxxxxxxxxxxxxxxx", "", "")';
const DOUBLED = (inner: string) => `label_replace(${inner}, "a", "$1$1", "a", "(.*)")`;
const JOINED = (inner: string) => `label_join(${inner}, "a", "", "a", "a")`;

export const QUERIES: readonly Costly[] = [
  query(nested(12, DOUBLED, SEEDED), "a label doubled 12 times"),
  query(nested(60, DOUBLED, SEEDED), "a label doubled 60 times"),
  query(nested(60, JOINED, SEEDED), "a label joined with itself 60 times"),
  query(nested(20, JOINED, `label_replace(${ALL}, "a", "x", "", "")`), "of all series, 20 times"),
  query(
    `label_replace(${SEEDED}, "b", "${"$1".repeat(4000)}", "a", "(.*)")`,
    "a template of 4,000 groups",
  ),
  query(
    nested(
      3,
      (inner) => `label_replace(${inner}, "a", "${"$1".repeat(2000)}", "a", "(.*)")`,
      SEEDED,
    ),
    "templates of 2,000 groups in each other",
  ),
  query(
    nested(300, (inner, i) => `label_replace(${inner}, "l${i}", "v", "", "")`, ALL),
    "300 labels on all series",
  ),
  query(
    Array.from({ length: 200 }, (_, i) => `label_replace(${ALL},"z","${i}","","")`).join(" or "),
    "all series, 200 times over",
  ),
  query(`up{a=~"${"\\\\p{L}{500}".repeat(1300)}"}`, "a class of Unicode, repeated, 16 kB"),
  query(`up{a=~"(?i)${"\\\\p{L}".repeat(2500)}"}`, "a class of Unicode, folded"),
  query(`up{a=~"${"(".repeat(900)}a${"){9}".repeat(900)}"}`, "repetitions nested 900 deep"),
  query(`up{a=~"((a{30}){30}){30}"}`),
  query(`label_replace(up, "a", "x", "job", "${"(.*)".repeat(3500)}")`, "3,500 groups"),
  query(`${ALL.slice(0, -1)}, v=~"(.*a){900}.*x"}`, "a slow expression on each value"),
  query(`${ALL.slice(0, -1)}, v=~"(a|b)*a(a|b){400}.*"}`, "an expression of 2^400 states"),
  query(
    `${ALL.slice(0, -1)}, v=~"(.*.*.*.*.*.*.*.*)+x"}`,
    "an expression that backtracks elsewhere",
  ),
  query(
    `up{${Array.from({ length: 900 }, (_, i) => `a${i}=~".*${i}.*"`).join(",")}}`,
    "900 expressions at once",
  ),
  query("count_over_time(vector(1)[100y:1ms])"),
  query("count_over_time(vector(1)[1d:1ms])"),
  query(`sum_over_time(${ALL}[1d:1ms])`),
  query(
    nested(30, (inner) => `sum_over_time(${inner}[10m:100ms])`, "up"),
    "subqueries 30 deep",
  ),
  query(
    nested(6, (inner) => `max_over_time(${inner}[1h:1s])`, ALL),
    "subqueries of all, 6 deep",
  ),
  query(`${"(".repeat(8000)}1${")".repeat(8000)}`, "8,000 brackets"),
  query(`${"-".repeat(16_000)}1`, "16,000 signs"),
  query(`1${"+1".repeat(8000)}`, "8,000 additions"),
  query(Array.from({ length: 500 }, () => ALL).join(" or "), "500 unions of all series"),
  query(Array.from({ length: 400 }, () => ALL).join(" and "), "400 cuts of all series"),
  query(
    nested(900, (inner) => `sort(${inner})`, ALL),
    "sorted 900 times",
  ),
  query(
    nested(800, (inner) => `sum by (v)(${inner})`, ALL),
    "added up 800 times",
  ),
  query(`count_values by (v) ("a", ${ALL})`),
  query(`quantile by (v) (0.5, ${ALL})`),
  query(`topk(1e9, ${ALL})`),
  query(`${ALL} * on () group_left ${ALL}`),
  query(`${ALL} * on (v) group_left () ${ALL}`),
  query(ALL, "all series"),
  query(`${ALL}[1h]`, "all samples"),
  query(`{__name__=~".+"} offset -100y`),
  query(`up[${"9".repeat(15_000)}s]`, "a range of 15,000 digits"),
  query(`up @ ${"9".repeat(300)}`, "a time of 300 digits"),
  query(`"${"x".repeat(16_000)}"`, "a text of 16 kB"),
  query("\u0000".repeat(1000), "1,000 zero bytes"),
  query(`up{a="${"\\u0041".repeat(2500)}"}`, "2,500 escapes"),
  query("{".repeat(10_000), "10,000 braces"),
  range(ALL),
  range("vector(1) or vector(2)"),
  range(
    Array.from({ length: 90 }, (_, i) => `label_replace(vector(1),"a","${i}","","")`).join(" or "),
  ),
  range(`count_over_time(vector(1)[1h:1s])`),
  recent(ALL),
  recent(`rate(${ALL}[5m])`),
  recent(`label_replace(${ALL}, "a", "$1$1", "v", "(.*)")`),
];

const match = (selector: string, times = 1): [string, string][] =>
  Array.from({ length: times }, () => ["match[]", selector]);

export const SERIES: readonly Costly[] = [
  { name: "all series by name", ask: { path: "series", form: match(ALL) } },
  { name: "all series, 500 times", ask: { path: "series", form: match(ALL, 500) } },
  { name: "labels of all", ask: { path: "labels", form: match(ALL, 500) } },
  {
    name: "series by a slow expression",
    ask: { path: "series", form: match('{v=~"(.*a){900}.*x"}', 20) },
  },
  {
    name: "labels by a dear expression",
    ask: { path: "labels", form: match(`{v=~"${"\\\\p{L}{500}".repeat(1000)}"}`) },
  },
  {
    name: "rules by dear expressions",
    url: `rules?${new URLSearchParams(match('{v=~"(\\\\pL{300}|x)"}', 150))}`,
  },
  {
    name: "values by slow expressions",
    url: `label/v/values?${new URLSearchParams(match('{v=~"(.*a){900}.*x"}', 50))}`,
  },
  { name: "a label's name of 10,000 characters", url: `label/${"x".repeat(10_000)}/values` },
  {
    name: "40 queries at once",
    atOnce: 40,
    ask: { path: "query", form: { query: `sort(${ALL})` } },
  },
  {
    name: "a form of 60 kB",
    ask: { path: "query", form: { query: "up", x: "y".repeat(60_000) } },
  },
  {
    name: "20,000 parameters",
    ask: { path: "query", form: Array.from({ length: 15_000 }, (): [string, string] => ["a", ""]) },
  },
];
