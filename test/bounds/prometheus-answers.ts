/** What a Prometheus, or whatever stands in its place, may answer to a query. */

import { gzipSync } from "node:zlib";
import { endless, json, list, members, MIB, once, silent } from "./bodies.ts";

export interface PrometheusInput {
  readonly name: string;
  readonly answer: () => Response;
  /** It answers for as long as it is asked: what waits for it is not late. */
  readonly isSlow?: boolean;
}

const body = (name: string, make: () => string, status = 200): PrometheusInput => {
  const made = once(make);
  return { name, answer: () => json(made(), status) };
};
const vector = (rows: string, more = "") =>
  `{"status":"success","data":{"resultType":"vector","result":${rows}}${more}}`;
const rows = (count: number, metric: (index: number) => object, value: unknown = [1, "1"]) =>
  vector(list(count, (i) => ({ metric: metric(i), value })));

const PACKED = once(() => new Uint8Array(gzipSync(Buffer.alloc(200 * MIB, 0x20), { level: 9 })));

let polls = 0;

export const PROMETHEUS_ANSWERS: readonly PrometheusInput[] = [
  body("15 million lists within each other", () => "[".repeat(15 * MIB)),
  body("a row of 800,000 labels", () =>
    vector(`[{"metric":{${members(800_000)}},"value":[1,"1"]}]`),
  ),
  body("a label of 15 MB", () => rows(1, () => ({ a: "x".repeat(15 * MIB) }))),
  body("a value of 15 MB of digits", () => rows(1, () => ({}), [1, "9".repeat(15 * MIB)])),
  body("a million rows", () => vector(`[${'{"metric":{}},'.repeat(MIB)}{}]`)),
  body("5 million values", () => vector(`[${"0,".repeat(5 * MIB)}0]`)),
  body("20,000 rows of one label set", () => rows(20_000, () => ({ a: "b" }))),
  {
    name: "5,000 other rows each time",
    answer() {
      polls += 1;
      return json(rows(5000, (i) => ({ i: `${polls}-${i}` })));
    },
  },
  body("5,000 names of services: Markdown, shell words and control characters", () =>
    rows(5000, (i) => ({ service: `\u001b[2J$(reboot)\`# <b>[a](http://a)\u202e\n${i}` })),
  ),
  body("2,000 names of services of 5,000 characters", () =>
    rows(2000, (i) => ({ service: `${"x".repeat(5000)}${i}` })),
  ),
  body("rows of wrong types", () =>
    vector('[null,1,"a",[],{},{"metric":1},{"metric":{"a":1}},{"metric":{},"value":["a",{}]}]'),
  ),
  body("names that no object may have", () =>
    vector('[{"metric":{"__proto__":"a","constructor":"b"},"value":[1e400,"NaN"]}]'),
  ),
  body("300,000 warnings", () =>
    vector("[]", `,"warnings":${list(300_000, (i) => `PromQL info: ${i}`)}`),
  ),
  body(
    "a refusal in 15 MB of words",
    () =>
      JSON.stringify({ status: "error", errorType: "execution", error: "\u001b<".repeat(2 * MIB) }),
    422,
  ),
  body("a page of 15 MB of angle brackets", () => "<".repeat(15 * MIB), 500),
  {
    name: "200 MB that were 200 kB",
    answer: () => new Response(PACKED(), { headers: { "content-encoding": "gzip" } }),
  },
  {
    name: "rows without an end",
    answer: () => endless('{"data":{"result":[', "{},".repeat(20_000)),
  },
  { name: "blanks without an end", answer: () => endless("{", " ".repeat(MIB)) },
  { name: "a byte now and then", answer: () => endless("{", " ", 20), isSlow: true },
  { name: "no answer at all", answer: silent, isSlow: true },
];
