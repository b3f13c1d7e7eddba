import { describe, expect, test } from "bun:test";
import { NEVER, settableClock, simulatedClock } from "../../../test/support/fixtures.ts";
import { isStaleAt } from "../../promql/series.ts";
import { type FetchPage, isRefusal, type ScrapeFailure } from "./scrape-page.ts";
import type { ScrapeTarget } from "./scrape-target.ts";
import { createScraper, type ScraperOptions } from "./scraper.ts";
import { createSeriesStore, type MemorySeries, type MemoryStore } from "./store.ts";

const gzip = { "content-type": "text/plain", "content-encoding": "gzip" };

type Handler = (request: Request) => Response | Promise<Response>;

function serve(fetch: Handler) {
  return Bun.serve({ hostname: "127.0.0.1", port: 0, idleTimeout: 0, fetch });
}

const textOf = ({ labels }: MemorySeries) =>
  Object.entries(labels)
    .map(([name, value]) => (name === "__name__" ? value : `${name}=${value}`))
    .sort()
    .join(" ");

/** A world of one scraper: its clock moves by hand, its store is seen as text. */
function scraping(targets: readonly ScrapeTarget[], changes: Partial<ScraperOptions> = {}) {
  const clock = simulatedClock();
  const store = changes.store ?? createSeriesStore();
  const options = { targets, store, clock, intervalMs: 10_000, timeoutMs: 5000, ...changes };
  const scraper = createScraper(options);
  const startMs = clock.nowMs();
  return {
    clock,
    store,
    scraper,
    /** Each scrape starts 10 s after the one before. */
    async scrape() {
      await scraper.scrapeAll(NEVER);
      clock.pass(10_000);
    },
    /** By series: its samples as "seconds since the start=value". */
    samples(only: RegExp) {
      const entries = store.series([]).map((series) => {
        const { timestampsMs, values, start, end } = series;
        const samples = Array.from({ length: end - start }, (_, offset) => {
          const value = isStaleAt(values, start + offset) ? "stale" : values[start + offset];
          return `${((timestampsMs[start + offset] ?? NaN) - startMs) / 1000}=${value}`;
        });
        return [textOf(series), samples.join(" ")] as const;
      });
      return Object.fromEntries(entries.filter(([text]) => only.test(text)));
    },
    /** Of the only target. */
    get state() {
      const [state] = scraper.targets();
      if (state === undefined) throw new Error("no target");
      return state;
    },
  };
}

/** A world of one target that answers with these, in turn; the last again and again. */
function answering(...answers: (string | (() => Response))[]) {
  let next = 0;
  const server = serve(() => {
    const answer = answers[Math.min(next, answers.length - 1)] ?? "";
    next += 1;
    return typeof answer === "string" ? new Response(answer) : answer();
  });
  const at = `instance=${server.url.host} job=j`;
  return { server, at, target: { job: "j", url: `${server.url.origin}/metrics` } };
}

const refuse = () => new Response("no", { status: 500 });

describe("a scrape", () => {
  test("stores its samples at the time it started, with job, instance and what was configured", async () => {
    const { server, target } = answering('a{b="c"} 1\nd 2\n');
    await using _ = server;
    const world = scraping([{ ...target, labels: { zone: "z", none: "" } }]);
    await world.scrape();
    const at = `instance=${server.url.host} job=j`;
    expect(world.samples(/^/)).toEqual({
      [`a b=c ${at} zone=z`]: "0=1",
      [`d ${at} zone=z`]: "0=2",
      [`${at} scrape_duration_seconds zone=z`]: expect.stringMatching(/^0=0/),
      [`${at} scrape_samples_post_metric_relabeling zone=z`]: "0=2",
      [`${at} scrape_samples_scraped zone=z`]: "0=2",
      [`${at} scrape_series_added zone=z`]: "0=2",
      [`${at} up zone=z`]: "0=1",
    });
    expect(world.state).toMatchObject({ health: "up", lastError: "", samples: 2 });
  });

  test("keeps labels of the target's names as exported ones", async () => {
    const text = 'a{job="x",instance="y",exported_job="z"} 1\n';
    const { server, target } = answering(text);
    await using _ = server;
    const world = scraping([target]);
    await world.scrape();
    const expected = `a exported_exported_job=x exported_instance=y exported_job=z instance=${server.url.host} job=j`;
    expect(Object.keys(world.samples(/^a /))).toEqual([expected]);
  });

  test("honours times of their own, unless they are too old or too far ahead", async () => {
    const clock = simulatedClock();
    const startMs = clock.nowMs();
    const minutes = (count: number) => startMs + count * 60_000;
    const { server, at, target } = answering(
      [
        `a 1 ${minutes(-1)}`,
        `b 1 ${minutes(10) + 1}`,
        `c 1 ${minutes(10)}`,
        `d 1 ${minutes(-15) - 1}`,
        `e 1 ${minutes(-15)}`,
      ].join("\n"),
    );
    await using _ = server;
    const world = scraping([target], { clock });
    await world.scrape();
    expect(world.samples(/^[a-e] /)).toEqual({
      [`a ${at}`]: "-60=1",
      [`c ${at}`]: "600=1",
      [`e ${at}`]: "-900=1",
    });
    expect(world.state).toMatchObject({ health: "up", samples: 5, droppedSamples: 2 });
  });

  test("counts a series that stands there twice, and keeps the first", async () => {
    const { server, at, target } = answering('a{b="1",c="2"} 1\na{c="2",b="1"} 2\n');
    await using _ = server;
    const world = scraping([target]);
    await world.scrape();
    expect(world.samples(/^a /)).toEqual({ [`a b=1 c=2 ${at}`]: "0=1" });
    expect(world.state.droppedSamples).toBe(1);
  });

  test("reads OpenMetrics' times as seconds", async () => {
    const { server, at, target } = answering(
      () =>
        new Response(`a 1 ${simulatedClock().nowMs() / 1000 + 1.5}\n# EOF\n`, {
          headers: { "content-type": "application/openmetrics-text; version=1.0.0" },
        }),
    );
    await using _ = server;
    const world = scraping([target]);
    await world.scrape();
    expect(world.samples(/^a /)).toEqual({ [`a ${at}`]: "1.5=1" });
  });
});

describe("a series ends", () => {
  test("when a scrape lacks it, once, and goes on when it is back", async () => {
    const { server, at, target } = answering("a 1\nb 1\n", "a 2\n", "a 3\n", "b 4\na 4\n");
    await using _ = server;
    const world = scraping([target]);
    for (let i = 0; i < 4; i += 1) await world.scrape();
    expect(world.samples(/^[ab] /)).toEqual({
      [`a ${at}`]: "0=1 10=2 20=3 30=4",
      [`b ${at}`]: "0=1 10=stale 30=4",
    });
  });

  test("when a scrape fails, and the target's own series say so", async () => {
    const { server, at, target } = answering("a 1\n", refuse, refuse, "a 4\n");
    await using _ = server;
    const world = scraping([target]);
    for (let i = 0; i < 4; i += 1) await world.scrape();
    expect(world.samples(/^a | up$| scrape_samples_scraped$/)).toEqual({
      [`a ${at}`]: "0=1 10=stale 30=4",
      [`${at} up`]: "0=1 10=0 20=0 30=1",
      [`${at} scrape_samples_scraped`]: "0=1 10=0 20=0 30=1",
    });
  });

  test("but not one with a time of its own", async () => {
    const { server, at, target } = answering(`a 1 ${simulatedClock().nowMs()}\n`, "b 1\n", refuse);
    await using _ = server;
    const world = scraping([target]);
    for (let i = 0; i < 3; i += 1) await world.scrape();
    expect(world.samples(/^[ab] /)).toEqual({
      [`a ${at}`]: "0=1",
      [`b ${at}`]: "10=1 20=stale",
    });
  });

  test("not when only the order of its labels has changed", async () => {
    const { server, at, target } = answering('a{b="1",c="2"} 1\n', 'a{c="2",b="1"} 2\n');
    await using _ = server;
    const world = scraping([target]);
    for (let i = 0; i < 2; i += 1) await world.scrape();
    expect(world.samples(/^a /)).toEqual({ [`a b=1 c=2 ${at}`]: "0=1 10=2" });
  });

  test("for one target alone when another fails", async () => {
    const good = answering("a 1\n");
    const bad = answering("a 1\n", refuse);
    await using _ = good.server;
    await using __ = bad.server;
    const world = scraping([good.target, bad.target]);
    for (let i = 0; i < 2; i += 1) await world.scrape();
    expect(world.samples(/^a /)).toEqual({
      [`a ${good.at}`]: "0=1 10=1",
      [`a ${bad.at}`]: "0=1 10=stale",
    });
    expect(world.scraper.targets().map(({ health }) => health)).toEqual(["up", "down"]);
  });
});

describe("a scrape fails, in a state of its own:", () => {
  const html = { "content-type": "text/html; charset=utf-8" };
  const json = { "content-type": "application/json" };
  const endless = () => {
    const chunk = new TextEncoder().encode("a 1\n".repeat(16_384));
    return new Response(new ReadableStream({ pull: (controller) => controller.enqueue(chunk) }));
  };
  const bomb = () =>
    new Response(Bun.gzipSync(Buffer.alloc(64 * 1024 * 1024)), {
      headers: gzip,
    });
  const cases: readonly [string, () => Response | Promise<Response>, ScrapeFailure, RegExp][] = [
    ["a status that is no success", refuse, "bad_status", /^answered with status 500$/],
    ["a success without a page", () => new Response(null, { status: 204 }), "bad_status", /204$/],
    ["a web page", () => new Response("x 1\n", { headers: html }), "not_metrics", /is text\/html/],
    ["a web page without its type", () => new Response("\n<html>"), "not_metrics", /begins with </],
    ["JSON", () => new Response("{}", { headers: json }), "not_metrics", /application\/json/],
    [
      "a bad line",
      () => new Response("a 1\nb\nc\n"),
      "bad_lines",
      /^answered with no value in line 2 \(b\), and 1 more$/,
    ],
    ["a body without end", endless, "body_too_large", /^sent more than 1000000 bytes$/],
    ["a body that unpacks to too much", bomb, "body_too_large", /^sent more than 1000000 bytes$/],
    [
      "too many samples",
      () => new Response("a 1\nb 1\nc 1\nd 1\n"),
      "too_many_samples",
      /more than 3 samples$/,
    ],
    [
      "an answer that takes too long",
      () => new Promise<Response>(() => {}),
      "timeout",
      /^no whole answer within 0.1 s$/,
    ],
    [
      "a redirect to elsewhere",
      () => Response.redirect("http://u:secret@example.test/x"),
      "redirected",
      /^redirects to http:\/\/example.test$/,
    ],
    [
      "redirects in a circle",
      () => Response.redirect("/metrics"),
      "redirected",
      /more than 3 times$/,
    ],
  ];
  test.each(cases)("%s", async (_, answer, failure, message) => {
    let asked = 0;
    await using server = serve(() => (asked++ === 0 ? new Response("a 1\n") : answer()));
    const limits = { timeoutMs: 2000, maxBodyBytes: 1_000_000, maxSamples: 3 };
    const timeoutMs = failure === "timeout" ? 100 : limits.timeoutMs;
    const world = scraping([{ job: "j", url: server.url.href }], { ...limits, timeoutMs });
    await world.scrape();
    expect(world.state).toMatchObject({ health: "up", failure: undefined });
    await world.scrape();
    expect(world.state).toMatchObject({ health: "down", failure, samples: 0 });
    expect(world.state.lastError).toMatch(message);
    const at = `instance=${server.url.host} job=j`;
    expect(world.samples(/^a | up$/)).toEqual({
      [`a ${at}`]: "0=1 10=stale",
      // What is only too much for Sentinel is no fault of the target, which answers.
      [`${at} up`]: isRefusal(failure) ? "0=1 10=1" : "0=1 10=0",
    });
  });

  test("a body that stops half way", async () => {
    const started = Promise.withResolvers<void>();
    await using server = serve(
      () =>
        new Response(
          new ReadableStream({
            start(controller) {
              controller.enqueue("a 1\n");
              started.resolve();
            },
          }),
        ),
    );
    const world = scraping([{ job: "j", url: server.url.href }], { timeoutMs: 150 });
    await world.scrape();
    await started.promise;
    expect(world.state).toMatchObject({ health: "down", failure: "timeout" });
    expect(world.samples(/^a /)).toEqual({});
  });

  test("nobody there; and up again after a restart on the same port", async () => {
    const first = serve(() => new Response("a 1\n"));
    const { port } = first;
    const world = scraping([{ job: "j", url: `http://127.0.0.1:${port}/metrics` }]);
    await world.scrape();
    await first.stop(true);
    await world.scrape();
    expect(world.state).toMatchObject({ health: "down", failure: "unreachable" });
    expect(world.state.lastError).toBe("cannot be reached (ECONNREFUSED)");
    await using _ = Bun.serve({
      hostname: "127.0.0.1",
      port: port ?? 0,
      fetch: () => new Response("a 0\n"),
    });
    await world.scrape();
    expect(world.state).toMatchObject({ health: "up", failure: undefined, lastError: "" });
    const at = `instance=127.0.0.1:${port} job=j`;
    expect(world.samples(/^a /)).toEqual({ [`a ${at}`]: "0=1 10=stale 20=0" });
  });

  test("no room for one more series: none of the scrape is stored, and it heals", async () => {
    const { server, at, target } = answering("a 1\n", "a 2\nb 2\nc 2\n", "a 3\nd 3\n");
    await using _ = server;
    const world = scraping([target], { store: createSeriesStore({ maxSeries: 2 }) });
    await world.scrape();
    await world.scrape();
    expect(world.state).toMatchObject({ health: "down", failure: "too_many_series" });
    expect(world.state.lastError).toBe(
      "has more series than there is room for: 2 for all targets, 1 of them kept for this one",
    );
    await world.scrape();
    expect(world.state.health).toBe("up");
    expect(world.samples(/^[a-d] | up$/)).toEqual({
      [`a ${at}`]: "0=1 10=stale 20=3",
      [`d ${at}`]: "20=3",
      // It answers, and that is no fault of its own.
      [`${at} up`]: "0=1 10=1 20=1",
    });
    const [[name = "", samples] = []] = Object.entries(world.samples(/sentinel_scrape_refused/));
    expect(name).toContain("reason=has more series than there is room for");
    expect(samples).toBe("10=1 20=stale");
  });

  test("the share of each is there, whatever another takes", async () => {
    const many = Array.from({ length: 100 }, (_, index) => `a${index} 1\n`).join("");
    const [greedy, modest] = [answering(many, many), answering("b 1\nc 1\n", "b 2\nc 2\n")];
    await using _ = greedy.server;
    await using __ = modest.server;
    const store = createSeriesStore({ maxSeries: 100 });
    const world = scraping([greedy.target, { ...modest.target, job: "k" }], { store });
    await world.scrape();
    const [first, second] = world.scraper.targets();
    expect(first).toMatchObject({ health: "down", failure: "too_many_series" });
    expect(second).toMatchObject({ health: "up", samples: 2 });
  });
});

describe("a request", () => {
  test("asks for the text format, and follows redirects within its origin", async () => {
    const paths: string[] = [];
    await using server = serve((request) => {
      paths.push(new URL(request.url).pathname);
      expect(request.headers.get("accept")).toStartWith("text/plain;version=0.0.4");
      return paths.length === 1 ? Response.redirect("/metrics/") : new Response("a 1\n");
    });
    const world = scraping([{ job: "j", url: `${server.url.origin}/metrics` }]);
    await world.scrape();
    expect([world.state.health, paths]).toEqual(["up", ["/metrics", "/metrics/"]]);
  });

  test("takes a compressed page", async () => {
    await using server = serve(() => new Response(Bun.gzipSync("a 1\n"), { headers: gzip }));
    const world = scraping([{ job: "j", url: server.url.href }]);
    await world.scrape();
    expect(world.state).toMatchObject({ health: "up", samples: 1 });
  });

  test("sends user and password, and shows them nowhere", async () => {
    const sent: (string | null)[] = [];
    await using server = serve(({ headers, url: asked }) => {
      sent.push(headers.get("authorization"));
      return sent.length === 1
        ? Response.redirect(new URL("/other", asked).href)
        : new Response(`a{} ${sent.length}x\n`);
    });
    const url = server.url.href.replace("//", "//mia:s3cret@");
    const world = scraping([{ job: "j", url }]);
    await world.scrape();
    expect(sent).toEqual(Array(2).fill(`Basic ${btoa("mia:s3cret")}`));
    expect(world.state).toMatchObject({ health: "down", url: server.url.href });
    expect(JSON.stringify([world.state, world.samples(/^/)])).not.toMatch(/mia|s3cret/);
    expect(() => scraping([{ job: "j", url: "ftp://mia:s3cret@h/" }])).toThrow(
      "the URL of job j must be like http://localhost:8000/metrics",
    );
  });

  test("masks what is secret in the query of its URL, and in a line that it quotes", async () => {
    await using server = serve(() => new Response('a{token="abcdef"} x\n'));
    const world = scraping([{ job: "j", url: `${server.url.href}?token=abcdef&n=1` }]);
    await world.scrape();
    expect(world.state.url).toBe(`${server.url.href}?token=[masked]&n=1`);
    expect(world.state.lastError).toContain('token="[masked]"');
  });

  test("goes through no proxy", async () => {
    await using proxy = serve(() => new Response("proxied 1\n"));
    const { server, at, target } = answering("a 1\n");
    await using _ = server;
    const before = process.env["http_proxy"];
    process.env["http_proxy"] = proxy.url.origin;
    try {
      const world = scraping([target]);
      await world.scrape();
      expect(Object.keys(world.samples(/^(a|proxied) /))).toEqual([`a ${at}`]);
    } finally {
      if (before === undefined) delete process.env["http_proxy"];
      else process.env["http_proxy"] = before;
    }
  });
});

describe("the loop", () => {
  const page = { kind: "page", text: "a 1\n", openMetrics: false } as const;

  /** When scrapes start, in s, if each takes so long. */
  async function starts(durationsMs: readonly number[], wakeEarlyMs = 0): Promise<number[]> {
    const inner = simulatedClock();
    const stop = new AbortController();
    const times: number[] = [];
    const slow: FetchPage = async () => {
      times.push(inner.elapsedMs / 1000);
      inner.pass(durationsMs[times.length - 1] ?? 0);
      if (times.length >= durationsMs.length) stop.abort();
      return page;
    };
    const clock = {
      ...inner,
      sleep: (ms: number, signal: AbortSignal) =>
        inner.sleep(Math.max(ms - wakeEarlyMs, 0), signal),
    };
    const { scraper } = scraping([{ job: "j", url: "http://h/" }], { fetchPage: slow, clock });
    await scraper.run(stop.signal);
    return times;
  }

  test("starts at once and does not drift", async () => {
    expect(await starts([0, 300, 9999, 0])).toEqual([0, 10, 20, 30]);
  });

  test("skips what a slow scrape missed", async () => {
    expect(await starts([10_000, 10_001, 25_000, 0])).toEqual([0, 10, 30, 60]);
  });

  test("does not take a tick twice when the timer is early", async () => {
    expect(await starts([0, 0, 0], 1)).toEqual([0, 9.999, 19.999]);
  });

  const samplesNamed = (store: MemoryStore, name: string) =>
    store.series([]).filter(({ labels }) => labels["__name__"] === name);

  test.each([-3_600_000, 3_600_000])(
    "goes on when the wall clock is set by %p ms",
    async (byMs) => {
      const { clock, set, wallMs } = settableClock();
      const fetchPage: FetchPage = async () => ({ ...page, text: `a ${clock.elapsedMs}\n` });
      const { store, scraper } = scraping([{ job: "j", url: "http://h/" }], { clock, fetchPage });
      for (const jumpMs of [0, 0, byMs]) {
        set(jumpMs);
        await scraper.scrapeAll(NEVER);
        clock.pass(10_000);
      }
      const kept = samplesNamed(store, "a").map(({ start, end, timestampsMs, values }) => ({
        agesMs: [...timestampsMs.slice(start, end)].map((atMs) => wallMs() - atMs),
        values: [...values.slice(start, end)],
      }));
      expect(kept).toEqual([{ agesMs: [30_000, 20_000, 10_000], values: [0, 10_000, 20_000] }]);
      expect(store.stats().droppedSamples).toBe(0);
    },
  );

  test("keeps the order when the wall clock is set while a page is awaited", async () => {
    const { clock, set, wallMs } = settableClock();
    const fetchPage: FetchPage = async () => {
      set(-60_000);
      return page;
    };
    const { store, scraper } = scraping([{ job: "j", url: "http://h/" }], { clock, fetchPage });
    for (let times = 0; times < 3; times += 1) {
      await scraper.scrapeAll(NEVER);
      clock.pass(10_000);
    }
    expect(store.stats()).toMatchObject({ droppedSamples: 0, samples: 18 });
    for (const { newestMs } of store.series([])) expect(newestMs).toBe(wallMs() - 10_000);
  });

  test("begins series with times of their own anew when the wall clock is set back", async () => {
    const { clock, set, wallMs } = settableClock();
    const fetchPage: FetchPage = async () => ({ ...page, text: `own 1 ${wallMs()}\n` });
    const { store, scraper } = scraping([{ job: "j", url: "http://h/" }], { clock, fetchPage });
    await scraper.scrapeAll(NEVER);
    clock.pass(10_000);
    set(-3_600_000);
    await scraper.scrapeAll(NEVER);
    expect(samplesNamed(store, "own").map(({ newestMs }) => newestMs)).toEqual([wallMs()]);
    expect(store.stats().droppedSamples).toBe(0);
  });

  test("stores nothing of a scrape that the end cut off", async () => {
    const stop = new AbortController();
    const fetchPage: FetchPage = async () => {
      stop.abort();
      return page;
    };
    const world = scraping([{ job: "j", url: "http://h/" }], { fetchPage });
    await world.scraper.run(stop.signal);
    expect(world.samples(/^/)).toEqual({});
    expect(world.state.health).toBe("unknown");
  });

  test("removes series that have left the window, and opens them anew", async () => {
    const texts = ["a 1\nb 1\n", ...Array(120).fill("a 1\n"), "a 1\nb 2\n"];
    const fetchPage: FetchPage = async () => ({ ...page, text: texts.shift() ?? "" });
    const store = createSeriesStore({ windowMs: 60_000 });
    const world = scraping([{ job: "j", url: "http://h/" }], { fetchPage, store });
    const counts: number[] = [];
    while (texts.length > 0) {
      await world.scrape();
      counts.push(store.stats().series);
    }
    expect([counts[0], counts[6], counts[100], counts.at(-1)]).toEqual([7, 7, 6, 7]);
    expect(world.samples(/^b /)).toEqual({ "b instance=h job=j": "1210=2" });
  });
});

describe("options that make no sense are refused:", () => {
  const target = { job: "j", url: "http://h/metrics" };
  const cases: readonly [string, readonly ScrapeTarget[], Partial<ScraperOptions>, string][] = [
    ["no URL", [{ job: "j", url: "h:9090" }], {}, "the URL of job j must be like"],
    [
      "an interval of nothing",
      [target],
      { intervalMs: 0, timeoutMs: 0 },
      "intervalMs must be above 0",
    ],
    [
      "a timeout beyond the interval",
      [target],
      { timeoutMs: 10_001 },
      "timeoutMs must be above 0 and at most",
    ],
    [
      "targets that can't be told apart",
      [target, { ...target, url: "http://h/other" }],
      {},
      "two targets have the labels of http://h/other",
    ],
  ];
  test.each(cases)("%s", (_, targets, changes, message) => {
    expect(() => scraping(targets, changes)).toThrow(message);
  });

  test("but not one that is told apart by a label, nor a timeout of the whole interval", () => {
    const other = { ...target, url: "http://h/other", labels: { path: "other" } };
    expect(scraping([target, other], { timeoutMs: 10_000 }).scraper.targets().length).toBe(2);
  });
});
