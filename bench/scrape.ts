/**
 * What scraping costs the embedded source, from one run: `bun bench/scrape.ts`.
 *
 * Exit 1 when a bound is missed. Linux only.
 */

import { report, type Row } from "./report.ts";
import { createExpositionReader } from "../src/signals/embedded/exposition.ts";
import { createScraper } from "../src/signals/embedded/scraper.ts";
import { createSeriesStore } from "../src/signals/embedded/store.ts";

const MIN_LINES_PER_S = 1_000_000;
const MIN_RATIO = 5;
const MAX_RESIDENT_MB = 400;

const LINES = 10_000;
const PAGES = 8;
const ROUNDS = 100;
const SCRAPES = 900;
const INTERVAL_MS = 1000;
/** Between scrapes of the filling; in life it is a second, and more time to sweep memory. */
const PAUSE_MS = 50;

const LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? +(\S+)(?: +(-?\d+))?$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:\\.|[^"\\])*)"/g;

const [, , url] = process.argv;
if (url !== undefined) {
  console.log(JSON.stringify(await fillStore(url)));
} else {
  const rows = [...readingRows(), ...(await storeRows())];
  process.exitCode = report(rows);
}

/** The three alternate, so that a slow moment of the machine hits all. */
function readingRows(): readonly Row[] {
  const bodies = pages();
  const reader = createExpositionReader((labels) => labels);
  const ms = {
    naive: new Array<number>(),
    first: new Array<number>(),
    repeated: new Array<number>(),
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    const body = bodies[round % PAGES] ?? Buffer.alloc(0);
    const expected = timed(ms.naive, () => readNaively(body.toString()));
    const first = timed(ms.first, () =>
      sumOf(
        createExpositionReader(() => 0),
        body,
      ),
    );
    const repeated = timed(ms.repeated, () => sumOf(reader, body));
    if (first !== expected || repeated !== expected) throw new Error("the readings differ");
  }
  const perS = (times: readonly number[]) => (LINES / median(times)) * 1000;
  const naive = perS(ms.naive);
  const million = (value: number) => `${(value / 1_000_000).toFixed(2)}M/s`;
  const repeated = perS(ms.repeated);
  return [
    {
      what: `${LINES} lines, the first scrape`,
      measured: `${million(perS(ms.first))} (naive ${million(naive)})`,
      bound: "(no bound)",
      met: true,
    },
    {
      what: `${LINES} lines, a repeated scrape`,
      measured: `${million(repeated)} (naive ${million(naive)})`,
      bound: `>= ${million(MIN_LINES_PER_S)}`,
      met: repeated >= MIN_LINES_PER_S,
    },
    {
      what: "a repeated scrape against a naive one",
      measured: `${(repeated / naive).toFixed(1)} times as fast`,
      bound: `>= ${MIN_RATIO}`,
      met: repeated / naive >= MIN_RATIO,
    },
  ];
}

function sumOf(reader: ReturnType<typeof createExpositionReader>, body: Buffer): number {
  const { values, badLineCount } = reader.read(body.toString());
  if (badLineCount > 0) throw new Error("bad lines");
  return values.reduce((sum, value) => sum + value, 0);
}

/** What one would write first: lines by `split`, and a regular expression for each. */
function readNaively(text: string): number {
  const samples: { labels: Record<string, string>; value: number }[] = [];
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const [, name = "", inner = "", value] = LINE.exec(line) ?? [];
    const labels: Record<string, string> = { __name__: name };
    for (const [, label = "", labelValue = ""] of inner.matchAll(LABEL)) labels[label] = labelValue;
    samples.push({ labels, value: Number(value) });
  }
  return samples.reduce((sum, { value }) => sum + value, 0);
}

interface Filled {
  readonly residentMb: number;
  readonly peakMb: number;
  readonly scrapeMs: number;
  readonly series: number;
  readonly samples: number;
}

/** In a process of its own, so that nothing else is resident there. */
async function storeRows(): Promise<readonly Row[]> {
  const bodies = pages();
  let scrapes = 0;
  using server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () =>
      new Response(String(bodies[scrapes++ % PAGES]), {
        headers: { "content-type": "text/plain" },
      }),
  });
  const child = Bun.spawn([process.execPath, import.meta.path, server.url.href], {
    stdout: "pipe",
  });
  const output = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error("filling the store failed");
  const filled: Filled = JSON.parse(output);
  const { residentMb, peakMb, scrapeMs, series, samples } = filled;
  return [
    {
      what: `resident with ${series} series of ${SCRAPES} samples`,
      measured: `${residentMb.toFixed(0)} MB, at most ${peakMb.toFixed(0)} MB (${samples} samples)`,
      bound: `<= ${MAX_RESIDENT_MB} MB`,
      met: peakMb <= MAX_RESIDENT_MB,
    },
    {
      what: "a whole scrape, fetched, read and stored",
      measured: `${scrapeMs.toFixed(2)} ms`,
      bound: "(no bound)",
      met: true,
    },
  ];
}

/** With half as many scrapes again as the window holds, so that samples leave it too. */
async function fillStore(url: string): Promise<Filled> {
  const store = createSeriesStore({ windowMs: (SCRAPES - 1) * INTERVAL_MS });
  let nowMs = Date.now();
  const scraper = createScraper({
    targets: [{ job: "bench", url }],
    store,
    clock: {
      nowMs: () => nowMs,
      toWall: (atMs) => atMs,
      fromWall: (wallAtMs) => wallAtMs,
      sleep: async () => {},
    },
    intervalMs: INTERVAL_MS,
  });
  const never = new AbortController().signal;
  const scrapesMs: number[] = [];
  let peakMb = 0;
  for (let scrape = 0; scrape < SCRAPES * 1.5; scrape += 1) {
    const startMs = performance.now();
    await scraper.scrapeAll(never);
    scrapesMs.push(performance.now() - startMs);
    nowMs += INTERVAL_MS;
    peakMb = Math.max(peakMb, residentMb());
    await Bun.sleep(PAUSE_MS);
  }
  const { series, samples } = store.stats();
  return { residentMb: residentMb(), peakMb, scrapeMs: median(scrapesMs), series, samples };
}

function pages(): readonly Buffer[] {
  return Array.from({ length: PAGES }, (_, round) => Buffer.from(page(round)));
}

/** 10,000 samples as a histogram of many routes has them, with the comments that come with them. */
function page(round: number): string {
  const lines: string[] = [];
  for (let index = 0; index < LINES; index += 1) {
    const name = `http_request_duration_seconds_bucket_${Math.floor(index / 200)}`;
    if (index % 200 === 0) lines.push(`# HELP ${name} Time to answer.`, `# TYPE ${name} counter`);
    const labels = `method="GET",route="/api/${index % 200}",status="200",le="${index % 17}"`;
    lines.push(`${name}{${labels}} ${valueOf(index, round)}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Counts, sums with few and with many digits, and what Go writes for large numbers. */
function valueOf(index: number, round: number): string {
  if (index % 10 === 0) return String(index * 0.1234567 + round * 0.1);
  if (index % 10 === 1) return `1.${index}e+09`;
  if (index % 10 === 2) return `${index + round}.25`;
  return String(index * 37 + round);
}

function timed(times: number[], work: () => number): number {
  const startMs = performance.now();
  const result = work();
  times.push(performance.now() - startMs);
  return result;
}

function residentMb(): number {
  return process.memoryUsage.rss() / 1024 / 1024;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
