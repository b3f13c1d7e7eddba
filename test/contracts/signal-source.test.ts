import { describe } from "bun:test";
import { prometheusSource } from "../../src/signals/prometheus.ts";
import { describeUnless } from "../docker.ts";
import { startEmbedded, startServedEmbedded } from "../embedded.ts";
import { startRealPrometheus, whyNoPrometheus } from "../prometheus.ts";
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

describe("Sentinel's own scraper is a source of signals", () => {
  signalSourceContract(async (scrape) => startEmbedded(scrape));
});

describe("a Sentinel is a source of signals for another, as a Prometheus is", () => {
  signalSourceContract(async (scrape) => {
    const server = startServedEmbedded(scrape);
    return {
      source: prometheusSource({ url: server.url }),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  });
});
