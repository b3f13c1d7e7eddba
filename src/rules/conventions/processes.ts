/** How CPU, memory and start of a process are named, and who exports those of another's. */

import type { Exporter, ProcessReading } from "./convention.ts";

/** Adds up what one process is split into. */
const WHOLE_CPU = "sum without (cpu_mode, process_cpu_state, state)";
const WHOLE_HEAP = "sum without (area, id, jvm_memory_type, jvm_memory_pool_name)";

/** In cores. */
export const CPU_READINGS: readonly ProcessReading[] = [
  only("process_cpu_seconds_total", (of, window) => `rate(${of}[${window}])`),
  ...["process_cpu_time_seconds_total", "dotnet_process_cpu_time_seconds_total"].map((metric) =>
    only(metric, (of, window) => `${WHOLE_CPU} (rate(${of}[${window}]))`),
  ),
  only("jvm_cpu_time_seconds_total", (of, window) => `rate(${of}[${window}])`),
  {
    // Micrometer's is a share of all cores.
    metrics: ["process_cpu_usage", "system_cpu_count"],
    expr: (of) => `${of("process_cpu_usage")} * ${of("system_cpu_count")}`,
  },
];

export const MEMORY_READINGS: readonly ProcessReading[] = [
  ...[
    "process_resident_memory_bytes",
    "process_memory_usage_bytes",
    "dotnet_process_memory_working_set_bytes",
    "process_working_set_bytes",
    "ruby_rss",
    "envoy_server_memory_physical_size",
  ].map((metric) => only(metric, (of) => of)),
  only("jvm_memory_used_bytes", (of) => `${WHOLE_HEAP} (${of})`),
];

/** Unix time in seconds. */
export const START_READINGS: readonly ProcessReading[] = [
  ...[
    "process_start_time_seconds",
    "haproxy_process_start_time_seconds",
    "nginx_vts_start_time_seconds",
  ].map((metric) => ({
    ...only(metric, (of) => of),
    starts: (of: (name: string) => string, window: string) => `changes(${of(metric)}[${window}])`,
  })),
  ...["process_uptime_seconds", "envoy_server_uptime"].map((metric) => ({
    ...only(metric, (of) => `time() - ${of}`),
    starts: (of: (name: string) => string, window: string) => `resets(${of(metric)}[${window}])`,
  })),
];

function only(metric: string, expr: (of: string, window: string) => string): ProcessReading {
  return { metrics: [metric], expr: (of, window) => expr(of(metric), window) };
}

/** Known by a metric that says whether they reach what they tell of. */
export const EXPORTERS: readonly Exporter[] = [
  { name: "redis_exporter", up: "redis_up" },
  { name: "postgres_exporter", up: "pg_up" },
  { name: "mysqld_exporter", up: "mysql_up" },
  { name: "nginx-prometheus-exporter", up: "nginx_up" },
  { name: "memcached_exporter", up: "memcached_up" },
  { name: "mongodb_exporter", up: "mongodb_up" },
  { name: "rabbitmq_exporter", up: "rabbitmq_up" },
  { name: "haproxy_exporter", up: "haproxy_up" },
  { name: "apache_exporter", up: "apache_up" },
  { name: "php-fpm_exporter", up: "phpfpm_up" },
  { name: "pgbouncer_exporter", up: "pgbouncer_up" },
  { name: "elasticsearch_exporter", up: "elasticsearch_cluster_health_up" },
  { name: "consul_exporter", up: "consul_up" },
  { name: "bind_exporter", up: "bind_up" },
  { name: "varnish_exporter", up: "varnish_up" },
  { name: "proxysql_exporter", up: "proxysql_up" },
];

/** What any exporter built with Prometheus' own library says of itself: `redis_exporter_build_info`. */
export const EXPORTER_BUILD = /^(.+_?exporter)_build_info$/;

/** What tells in which language a service is written, and how requests are counted there. */
export const RUNTIMES: readonly { readonly metric: string; readonly remedy: string }[] = [
  { metric: "nodejs_version_info", remedy: "express-prom-bundle or fastify-metrics" },
  { metric: "nodejs_eventloop_lag_seconds", remedy: "express-prom-bundle or fastify-metrics" },
  { metric: "go_info", remedy: "promhttp.InstrumentHandlerCounter and InstrumentHandlerDuration" },
  {
    metric: "python_info",
    remedy: "prometheus-fastapi-instrumentator, or the like for Django or Flask",
  },
  {
    metric: "jvm_memory_used_bytes",
    remedy: "Spring Boot Actuator with micrometer-registry-prometheus",
  },
  { metric: "jvm_info", remedy: "Micrometer's micrometer-registry-prometheus" },
  { metric: "dotnet_collection_count_total", remedy: "UseHttpMetrics() of prometheus-net" },
  { metric: "ruby_rss", remedy: "yabeda-rails or prometheus-client's Rack collector" },
];
