/** Sentinel's own scraper at work. */

import { systemClock } from "../../src/observer/system-clock.ts";
import { type EmbeddedSource, embeddedSource } from "../../src/signals/embedded/embedded.ts";
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
