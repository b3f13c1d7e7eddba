import { describe } from "bun:test";
import { serveDashboard } from "../../src/http/server.ts";
import { systemClock } from "../../src/observer/system-clock.ts";
import { prometheusSource } from "../../src/signals/prometheus/prometheus.ts";
import { describeUnless } from "../support/docker.ts";
import { apiAlone } from "../prometheus-api/dataset.ts";
import { startRealPrometheus, whyNoPrometheus } from "../support/prometheus.ts";
import { startEmbedded } from "../support/scraping.ts";
import { signalSourceContract } from "./signal-source.ts";

describeUnless(whyNoPrometheus(), "a Prometheus is a source of signals", () => {
  signalSourceContract(async (scrape) => {
    const server = await startRealPrometheus(scrape);
    return {
      source: prometheusSource({ url: server.url }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
});

describe("Sentinel's own series are a source of signals", () => {
  signalSourceContract(async (scrape) => startEmbedded(scrape));
});

describe("a Sentinel is a Prometheus to another", () => {
  signalSourceContract(async (scrape) => {
    const embedded = startEmbedded(scrape);
    const { source } = embedded;
    const dashboard = serveDashboard(
      apiAlone({
        store: source.store,
        nowMs: systemClock.nowMs,
        ruleGroups: () => [],
        targets: () => source.targets(),
        version: "1.2.3",
      }),
      0,
    );
    return {
      source: prometheusSource({ url: dashboard.url }),
      async [Symbol.asyncDispose]() {
        await dashboard.close();
        await embedded[Symbol.asyncDispose]();
      },
    };
  });
});
