import { describe } from "bun:test";
import { serveDashboard } from "../../src/dashboard/server.ts";
import { systemClock } from "../../src/drivers.ts";
import { embeddedSource } from "../../src/signals/embedded.ts";
import { prometheusSource } from "../../src/signals/prometheus.ts";
import { describeUnless } from "../docker.ts";
import { startRealPrometheus, whyNoPrometheus } from "../prometheus.ts";
import { type Scrape, signalSourceContract } from "./signal-source.ts";

describeUnless(whyNoPrometheus(), "a Prometheus is a source of signals", () => {
  signalSourceContract(async (scrape) => {
    const server = await startRealPrometheus(scrape);
    return {
      source: prometheusSource({ url: server.url }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
});

/** Sentinel scraping by itself, until it is disposed of. */
function startEmbedded({ job, url, intervalMs }: Scrape) {
  const stop = new AbortController();
  const source = embeddedSource({
    targets: [{ job, url: `${url}/metrics` }],
    intervalMs,
    clock: systemClock,
  });
  const running = source.run(stop.signal);
  const end = async () => {
    stop.abort();
    await running;
  };
  return { source, end };
}

describe("Sentinel's own series are a source of signals", () => {
  signalSourceContract(async (scrape) => {
    const { source, end } = startEmbedded(scrape);
    return { source, [Symbol.asyncDispose]: end };
  });
});

describe("a Sentinel is a Prometheus to another", () => {
  signalSourceContract(async (scrape) => {
    const { source, end } = startEmbedded(scrape);
    const dashboard = serveDashboard(
      {
        store: source.store,
        nowMs: systemClock.nowMs,
        ruleGroups: () => [],
        targets: () => source.targets(),
        version: "1.2.3",
      },
      0,
    );
    return {
      source: prometheusSource({ url: dashboard.url }),
      async [Symbol.asyncDispose]() {
        await dashboard.close();
        await end();
      },
    };
  });
});
