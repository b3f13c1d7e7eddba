/** The conventions for requests, errors and durations, the more particular first. */

import type { Duration, TrafficConvention } from "./convention.ts";
import { GRPC_ERROR_LABELS } from "./error-labels.ts";

const seconds = (...metrics: readonly string[]): Duration[] =>
  metrics.map((metric) => ({ metric, unit: "s" }));
const milliseconds = (...metrics: readonly string[]): Duration[] =>
  metrics.map((metric) => ({ metric, unit: "ms" }));

export const TRAFFIC_CONVENTIONS: readonly TrafficConvention[] = [
  {
    name: "http",
    libraries:
      "Sentinel's target, prom-client, express-prom-bundle, fastify-metrics, promhttp, go-http-metrics, fiber, the FastAPI instrumentator, prometheus-net",
    counters: ["http_requests_total", "http_requests_received_total", "http_request_total"],
    durations: [
      ...seconds("http_request_duration_seconds", "http_request_duration_highr_seconds"),
      ...seconds("http_request_summary_seconds"),
      ...milliseconds("http_request_duration_milliseconds", "http_request_duration_ms"),
    ],
    inFlight: ["http_requests_in_progress", "http_requests_in_flight", "http_requests_inflight"],
  },
  {
    name: "opentelemetry",
    libraries: "OpenTelemetry's semantic conventions, ASP.NET Core",
    counters: [],
    durations: seconds("http_server_request_duration_seconds", "http_server_request_duration"),
    inFlight: ["http_server_active_requests"],
  },
  {
    name: "opentelemetry-former",
    libraries: "OpenTelemetry's semantic conventions until 2023",
    counters: [],
    durations: [
      ...milliseconds("http_server_duration_milliseconds", "http_server_duration_ms"),
      ...seconds("http_server_duration_seconds"),
      ...milliseconds("http_server_duration"),
    ],
    inFlight: ["http_server_active_requests"],
  },
  {
    name: "micrometer",
    libraries: "Spring Boot, Micronaut, Quarkus and others with Micrometer",
    counters: [],
    durations: seconds("http_server_requests_seconds", "http_server_requests_duration_seconds"),
    inFlight: ["http_server_requests_active_seconds_gcount", "http_server_active_requests"],
  },
  {
    name: "gin",
    libraries: "go-gin-prometheus, gin-metrics",
    counters: ["gin_requests_total", "gin_uri_request_total"],
    durations: seconds("gin_request_duration_seconds", "gin_request_duration"),
    inFlight: [],
  },
  {
    name: "echo",
    libraries: "echo-contrib",
    counters: ["echo_requests_total"],
    durations: seconds("echo_request_duration_seconds"),
    inFlight: [],
  },
  {
    name: "chi",
    libraries: "chi-prometheus",
    counters: ["chi_requests_total"],
    durations: [
      ...milliseconds("chi_request_duration_milliseconds"),
      ...seconds("chi_request_duration_seconds"),
    ],
    inFlight: [],
  },
  {
    name: "grpc",
    libraries: "go-grpc-prometheus, java-grpc-prometheus, Micrometer, OpenTelemetry",
    counters: ["grpc_server_handled_total"],
    errorLabels: GRPC_ERROR_LABELS,
    durations: [
      ...seconds("grpc_server_handling_seconds", "grpc_server_handled_latency_seconds"),
      ...seconds("grpc_server_processing_duration_seconds", "grpc_server_call_duration_seconds"),
      ...seconds("rpc_server_call_duration_seconds"),
      ...milliseconds("rpc_server_duration_milliseconds"),
    ],
    inFlight: [],
  },
  {
    name: "starlette",
    libraries: "starlette_exporter, starlette-prometheus",
    counters: ["starlette_responses_total", "starlette_requests_total"],
    durations: seconds(
      "starlette_request_duration_seconds",
      "starlette_requests_processing_time_seconds",
    ),
    inFlight: ["starlette_requests_in_progress"],
  },
  {
    name: "django",
    libraries: "django-prometheus",
    counters: ["django_http_responses_total_by_status_total"],
    durations: seconds(
      "django_http_requests_latency_including_middlewares_seconds",
      "django_http_requests_latency_seconds_by_view_method",
    ),
    inFlight: [],
  },
  {
    name: "flask",
    libraries: "prometheus-flask-exporter",
    counters: ["flask_http_request_total"],
    durations: seconds("flask_http_request_duration_seconds"),
    inFlight: [],
  },
  {
    name: "rails",
    libraries: "yabeda-rails",
    counters: ["rails_requests_total"],
    durations: seconds("rails_request_duration_seconds"),
    inFlight: [],
  },
  {
    name: "rack",
    libraries: "the Rack collector of Ruby's Prometheus client",
    needs: "http_server_requests_total",
    counters: ["http_server_requests_total"],
    durations: seconds("http_server_request_duration_seconds"),
    inFlight: [],
  },
  {
    name: "ruby",
    libraries: "prometheus_exporter",
    counters: ["ruby_http_requests_total"],
    durations: seconds("ruby_http_request_duration_seconds", "ruby_http_duration_seconds"),
    inFlight: [],
  },
  {
    name: "roadrunner",
    libraries: "RoadRunner for PHP",
    counters: ["rr_http_request_total"],
    durations: seconds("rr_http_request_duration_seconds"),
    inFlight: [],
  },
  {
    name: "swagger-stats",
    libraries: "swagger-stats",
    counters: ["api_request_total"],
    durations: milliseconds("api_request_duration_milliseconds"),
    inFlight: ["api_all_request_in_processing_total"],
  },
  {
    name: "istio",
    libraries: "Istio, as the side that serves",
    only: 'reporter="destination"',
    counters: ["istio_requests_total"],
    durations: milliseconds("istio_request_duration_milliseconds"),
    inFlight: [],
  },
  {
    name: "linkerd",
    libraries: "Linkerd's proxy, as the side that serves",
    only: 'direction="inbound"',
    counters: ["response_total", "request_total"],
    errorLabels: [
      { name: "classification", kind: "word" },
      { name: "status_code", kind: "http" },
    ],
    durations: milliseconds("response_latency_ms"),
    inFlight: [],
  },
  {
    name: "envoy",
    libraries: "Envoy, for whom it serves",
    // Its own page of metrics is served there.
    only: 'envoy_http_conn_manager_prefix!="admin"',
    counters: ["envoy_http_downstream_rq_xx"],
    durations: milliseconds("envoy_http_downstream_rq_time"),
    inFlight: ["envoy_http_downstream_rq_active"],
  },
  {
    name: "traefik",
    libraries: "Traefik",
    // Its own page of metrics may be served there.
    only: 'entrypoint!="traefik"',
    counters: ["traefik_entrypoint_requests_total", "traefik_service_requests_total"],
    durations: seconds(
      "traefik_entrypoint_request_duration_seconds",
      "traefik_service_request_duration_seconds",
    ),
    inFlight: ["traefik_open_connections", "traefik_entrypoint_open_connections"],
  },
  {
    name: "caddy",
    libraries: "Caddy",
    counters: [],
    durations: seconds("caddy_http_request_duration_seconds"),
    inFlight: ["caddy_http_requests_in_flight"],
  },
  {
    name: "haproxy",
    libraries: "HAProxy's own page of metrics",
    counters: ["haproxy_frontend_http_responses_total", "haproxy_backend_http_responses_total"],
    durations: [{ metric: "haproxy_backend_total_time_average_seconds", unit: "s", isMean: true }],
    inFlight: ["haproxy_frontend_current_sessions"],
  },
  {
    name: "kong",
    libraries: "Kong",
    // Older versions have one histogram for several durations.
    only: 'type=~"request|"',
    counters: ["kong_http_requests_total", "kong_http_status"],
    durations: milliseconds("kong_request_latency_ms", "kong_latency"),
    inFlight: [],
  },
  {
    name: "nginx-ingress",
    libraries: "ingress-nginx",
    counters: ["nginx_ingress_controller_requests"],
    durations: seconds("nginx_ingress_controller_request_duration_seconds"),
    inFlight: [],
  },
  {
    name: "nginx-vts",
    libraries: "nginx with the module vts",
    // The sum of all hosts is a host of its own, and the sum of all codes a code.
    only: 'host="*",code!="total"',
    counters: ["nginx_vts_server_requests_total"],
    durations: [
      ...seconds("nginx_vts_server_request_duration_seconds"),
      { metric: "nginx_vts_server_request_seconds", unit: "s", isMean: true },
    ],
    inFlight: [],
  },
  {
    name: "nginx",
    libraries: "nginx-prometheus-exporter, from stub_status",
    counters: ["nginx_http_requests_total"],
    durations: [],
    inFlight: ["nginx_connections_active"],
  },
];

/** Of a convention that puts the service's own name in front. */
export const NAMESPACED = "namespaced";

/** The names behind a namespace; of the first groups, durations without what a histogram adds. */
const NAMESPACED_METRICS = [
  "http_requests_total",
  "http_(5xx|2xx)_responses_total",
  "http_request_duration_(seconds|milliseconds|ms)(_bucket|_count|_sum)?",
  "request_durations_histogram_seconds(_bucket|_count|_sum)?",
];

export const NAMESPACED_PATTERN = `.+_(${NAMESPACED_METRICS.join("|")})`;
const NAMESPACED_NAME = new RegExp(`^(.+?)_(?:${NAMESPACED_METRICS.join("|")})$`);

/** What a service asks of others is not what it is asked. */
const ASKED_OF_OTHERS = /client|outbound|outgoing|upstream|egress|fetch/;

/**
 * The conventions of services that put a name of their own in front, such as `shop_http_requests_total`, or
 * Symfony's bundle.
 *
 * @param names of all metrics of the service
 */
export function namespacedConventions(names: readonly string[]): readonly TrafficConvention[] {
  const prefixes = names
    .filter((name) => !isListed(name))
    .flatMap((name) => NAMESPACED_NAME.exec(name)?.[1] ?? [])
    .filter((prefix) => !ASKED_OF_OTHERS.test(prefix) && !isConvention(prefix));
  return [...new Set(prefixes)].map((prefix) => ({
    name: NAMESPACED,
    libraries: `those with the prefix ${prefix}`,
    counters: [`${prefix}_http_requests_total`],
    failures: [`${prefix}_http_5xx_responses_total`],
    durations: [
      ...seconds(`${prefix}_http_request_duration_seconds`),
      ...milliseconds(`${prefix}_http_request_duration_milliseconds`),
      ...milliseconds(`${prefix}_http_request_duration_ms`),
      ...seconds(`${prefix}_request_durations_histogram_seconds`),
    ],
    inFlight: [`${prefix}_http_requests_in_flight`],
  }));
}

/** Such as `haproxy_frontend`: it names more than what is listed. */
function isConvention(prefix: string): boolean {
  const [first] = prefix.split("_");
  return TRAFFIC_CONVENTIONS.some(({ name }) => name === first);
}

function isListed(name: string): boolean {
  return TRAFFIC_CONVENTIONS.some(
    ({ counters, durations }) =>
      counters.includes(name) || durations.some(({ metric }) => name.startsWith(metric)),
  );
}
