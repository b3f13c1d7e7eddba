/**
 * Two hours of scrapes a second of 20 containers whose errors a rule of an SLO looks back on for 6 hours: whether
 * the memory of their samples stays within what is said at the start. The store is the real one; the time is not.
 *
 * `bun bench/history.ts [hours]`; exit 1 when the bound is missed.
 */

import { bytesOf, MAX_HISTORY_BYTES, planHistory } from "../src/signals/embedded/history.ts";
import { createSeriesStore, type MemorySeries } from "../src/signals/embedded/store.ts";

const CONTAINERS = 20;
const SERIES_EACH = 10;
const OTHER_SERIES_EACH = 40;
const INTERVAL_MS = 1000;
const hours = Number(Bun.argv[2] ?? 2);

/** Of the buffers that the samples of all series have. */
function sampleBytes(series: readonly MemorySeries[]): number {
  return series.reduce((sum, { timestampsMs }) => sum + timestampsMs.length * 16, 0);
}

const burn = "sum by (container) (rate(http_errors_total[6h])) > 1";
const history = planHistory(
  [{ expr: burn, place: "slo.yml:3: alert ErrorBudgetBurn", offsetMs: 0 }],
  INTERVAL_MS,
);
console.log(`said at the start   ${history.description}`);

const store = createSeriesStore({ history });
const open = (name: string, count: number) =>
  Array.from({ length: CONTAINERS * count }, (_, index) =>
    store.open({
      __name__: name,
      container: `c${index % CONTAINERS}`,
      route: `/${Math.floor(index / CONTAINERS)}`,
    }),
  ).flatMap((series) => series ?? []);
const long = open("http_errors_total", SERIES_EACH);
const short = open("http_requests_total", OTHER_SERIES_EACH);
Bun.gc(true);
const startBytes = process.memoryUsage.rss();
const bound = long.reduce((sum, { window }) => sum + bytesOf(window), 0);

let mostBytes = 0;
const beganMs = performance.now();
for (let step = 0; step <= hours * 3600; step += 1) {
  for (const series of long) store.append(series, step * INTERVAL_MS, step);
  for (const series of short) store.append(series, step * INTERVAL_MS, step);
  if (step % 600 !== 0) continue;
  mostBytes = Math.max(mostBytes, sampleBytes(long));
}
Bun.gc(true);
const mb = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;
const isWithin = mostBytes <= bound && bound <= MAX_HISTORY_BYTES;
console.log(`series              ${long.length} looked back on, ${short.length} others`);
console.log(
  `simulated           ${hours} h of a scrape a second, in ${((performance.now() - beganMs) / 1000).toFixed(1)} s`,
);
console.log(`samples looked at   ${mb(mostBytes)}, of ${mb(bound)} that are set aside for them`);
console.log(`other samples       ${mb(sampleBytes(short))}`);
console.log(
  `resident            ${mb(process.memoryUsage.rss() - startBytes)} more than at the start`,
);
console.log(isWithin ? "within the bound" : "PAST THE BOUND");
if (!isWithin) process.exit(1);
