/** Sentinel's own scraper at work, and what of it is served. */

import { serveDashboard } from "../src/dashboard/server.ts";
import { systemClock } from "../src/drivers.ts";
import { type EmbeddedSource, embeddedSource } from "../src/signals/embedded.ts";
import type { Scrape } from "./prometheus.ts";

/** Scrapes that job until it is disposed of. */
export function startEmbedded(
  scrape: Scrape,
): AsyncDisposable & { readonly source: EmbeddedSource } {
  const { job, url, intervalMs } = scrape;
  const source = embeddedSource({
    targets: [{ job, url: `${url}/metrics` }],
    intervalMs,
    clock: systemClock,
  });
  const stop = new AbortController();
  const running = source.run(stop.signal);
  return {
    source,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await running;
    },
  };
}

/** The same, as a Prometheus for others. */
export function startServedEmbedded(scrape: Scrape): AsyncDisposable & { readonly url: string } {
  const embedded = startEmbedded(scrape);
  const { store, targets } = embedded.source;
  const dashboard = serveDashboard(
    { store, targets, nowMs: systemClock.nowMs, ruleGroups: () => [], version: "1.2.3" },
    0,
  );
  return {
    url: dashboard.url,
    async [Symbol.asyncDispose]() {
      await dashboard.close();
      await embedded[Symbol.asyncDispose]();
    },
  };
}
