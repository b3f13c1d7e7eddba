/** What the target exports for Prometheus: its requests and the process figures that Bun gets right. */

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { TOKEN_REFUSALS, type TokenRefusal } from "../core/token-gate.ts";
import { exportFaults } from "./fault-metrics.ts";
import type { Faults } from "./faults.ts";
import { exportProcess } from "./process-metrics.ts";

/** OpenTelemetry's buckets for HTTP servers, and three more: P90 cannot be above the last of them. */
const DURATION_BUCKETS_S = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 15, 30, 60,
];
const REQUEST_LABELS = ["method", "route", "status"] as const;
type RequestLabel = (typeof REQUEST_LABELS)[number];

/** Anything else counts as `_OTHER`: a client must not be able to make series. */
const METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
]);

/** Routes of machines and of whoever breaks the service: counted, but not timed, as its users do not see them. */
const UNTIMED_ROUTES: ReadonlySet<string> = new Set([
  "/",
  "/health",
  "/ready",
  "/metrics",
  "/faults",
  "/faults/:id",
  "/openapi",
  "/openapi/json",
  "/openapi/swagger-ui.js",
  "/openapi/swagger-ui.css",
]);

interface RequestOutcome {
  readonly method: string;
  /** The template, e.g. `/stress/cpu`; `unmatched` for any other path. */
  readonly route: string;
  readonly status: number;
  readonly durationS: number;
}

export interface TargetMetrics {
  /** Counts a finished request and, unless it is a probe or a scrape, times it. Takes well under 1 µs. */
  record(outcome: RequestOutcome): void;
  /** Counts a request that was refused for its token. */
  refused(reason: TokenRefusal): void;
  /** Text format 0.0.4. */
  render(): Promise<string>;
  readonly contentType: string;
}

interface RequestSeries {
  count: number;
  readonly labels: Record<RequestLabel, string>;
  readonly observe: ((durationS: number) => void) | undefined;
}

/** @param expected outcomes whose series exist from the start, so that `rate()` sees their first request */
export function createMetrics(
  version: string,
  expected: readonly Omit<RequestOutcome, "durationS">[],
  faults: Pick<Faults, "counts">,
): TargetMetrics {
  const registry = new Registry();
  const registers = [registry];
  // Counted here and copied at a scrape: the client's own `inc` costs as much as a whole bare request.
  const series = new Map<string, RequestSeries>();

  new Counter({
    name: "http_requests_total",
    help: "Requests answered, by method, route template and status.",
    labelNames: REQUEST_LABELS,
    registers,
    collect() {
      this.reset();
      for (const { labels, count } of series.values()) this.inc(labels, count);
    },
  });
  const duration = new Histogram({
    name: "http_request_duration_seconds",
    help: "Time to answer a request, without probes and scrapes.",
    labelNames: REQUEST_LABELS,
    buckets: DURATION_BUCKETS_S,
    registers,
  });
  new Gauge({
    name: "sentinel_build_info",
    help: "Always 1; the version of Sentinel and of Bun as labels.",
    labelNames: ["version", "bun_version"],
    registers,
  }).set({ version, bun_version: Bun.version }, 1);
  const refusals = new Counter({
    name: "sentinel_token_refusals_total",
    help: "Requests refused for their token: none, a wrong one, or too many wrong ones before.",
    labelNames: ["reason"],
    registers,
  });
  for (const reason of TOKEN_REFUSALS) refusals.inc({ reason }, 0);
  exportProcess(registry);
  exportFaults(registry, faults);

  for (const { method, route, status } of expected) {
    const { labels, observe } = seriesOf(method, route, status);
    if (observe !== undefined) duration.zero(labels);
  }

  function seriesOf(method: string, route: string, status: number): RequestSeries {
    const key = `${method} ${status} ${route}`;
    const known = series.get(key);
    if (known !== undefined) return known;
    const labels = { method, route, status: String(status) };
    const observe = UNTIMED_ROUTES.has(route) ? undefined : duration.labels(labels).observe;
    const created = { count: 0, labels, observe };
    series.set(key, created);
    return created;
  }

  return {
    record({ method, route, status, durationS }) {
      const found = seriesOf(METHODS.has(method) ? method : "_OTHER", route, status);
      found.count += 1;
      found.observe?.(durationS);
    },
    refused: (reason) => refusals.inc({ reason }),
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
