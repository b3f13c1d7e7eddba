import { prometheusSource } from "../../src/signals/prometheus.ts";
import { describeUnless } from "../docker.ts";
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
