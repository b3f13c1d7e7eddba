/** For each convention a page of its library: nine of a hundred requests went well, each took about 60 ms. */

import { describe, expect, test } from "bun:test";
import type { Reading, ServiceSignals, Signal } from "../../src/rules/conventions/convention.ts";
import {
  JOB,
  PAGES,
  readingOf,
  storeOf,
  storeOfText,
  valuesOf,
} from "../support/convention-pages.ts";

const SPAN = { window: "2m", quantile: 0.9 };

/** A page, and the conventions that fit, the one that is used first. */
const TRAFFIC: readonly (readonly [page: string, conventions: string])[] = [
  ["express-prom-bundle", "http"],
  ["fastify-metrics", "http"],
  ["swagger-stats", "swagger-stats"],
  ["promhttp", "http"],
  ["prometheus-net", "http"],
  ["fastapi-instrumentator", "http"],
  ["opentelemetry", "opentelemetry"],
  ["opentelemetry-seconds", "opentelemetry"],
  ["aspnetcore-otel", "opentelemetry"],
  ["opentelemetry-former", "opentelemetry-former"],
  ["spring-boot", "micrometer"],
  ["spring-boot-histogram", "micrometer"],
  ["gin", "gin"],
  ["gin-metrics", "gin"],
  ["echo", "echo"],
  ["chi", "chi"],
  ["grpc-go", "grpc"],
  ["grpc-java", "grpc"],
  ["grpc-otel", "grpc"],
  ["starlette-exporter", "starlette"],
  ["starlette-prometheus", "starlette"],
  ["django", "django"],
  ["flask", "flask"],
  ["yabeda-rails", "rails"],
  ["rack", "rack, opentelemetry"],
  ["ruby-prometheus-exporter", "ruby"],
  ["roadrunner", "roadrunner"],
  ["symfony", "namespaced"],
  ["go-namespaced", "namespaced"],
  ["istio", "istio"],
  ["linkerd", "linkerd"],
  ["envoy", "envoy"],
  ["traefik", "traefik"],
  ["caddy", "caddy"],
  ["haproxy", "haproxy"],
  ["kong", "kong"],
  ["kong-former", "kong"],
  ["ingress-nginx", "nginx-ingress"],
  ["nginx-vts", "nginx-vts"],
];

/** Pages whose durations are not about 60 ms: those of a run, or of buckets far apart. */
const P90_SECONDS: Readonly<Record<string, readonly [number, number]>> = {
  "express-prom-bundle": [0.1, 2],
  "swagger-stats": [0.1, 1],
  caddy: [0.0001, 0.1],
  haproxy: [0.0005, 0.01],
  chi: [0.2, 0.3],
  opentelemetry: [0.05, 0.5],
  "fastify-metrics": [0.05, 0.5],
};

function exprOf(reading: Reading): string {
  return reading.kind === "readable" ? reading.expr(JOB, SPAN) : `unreadable: ${reading.why}`;
}

const whyOf = (signals: ServiceSignals, signal: Signal) => {
  const reading = signals[signal];
  return reading.kind === "unreadable" ? reading.why : `read from ${reading.readFrom}`;
};

describe("of the page of a library", () => {
  test.each(TRAFFIC)("%s, 91 %% errors are 91 %%", (page, expected) => {
    const store = storeOf(page);
    const { conventions, signals } = readingOf(store);
    expect(conventions.join(", ")).toBe(expected);
    const { requestRate, errorRatio, latency } = signals;
    expect(valuesOf(store, exprOf(errorRatio)).map((ratio) => ratio.toFixed(6))).toEqual([
      "0.910000",
    ]);
    const rates = valuesOf(store, exprOf(requestRate));
    expect(rates).toHaveLength(1);
    expect(rates[0]).toBeGreaterThan(0);
    const [from, to] = P90_SECONDS[page] ?? [0.05, 0.1];
    const [p90 = Number.NaN] = valuesOf(store, exprOf(latency));
    expect(p90).toBeGreaterThanOrEqual(from);
    expect(p90).toBeLessThanOrEqual(to);
  });
});

describe("errors are not 0 by mistake", () => {
  const errors = (page: string) => {
    const { errorRatio } = readingOf(storeOf(page)).signals;
    return errorRatio.kind === "unreadable" ? errorRatio.why : errorRatio.readFrom;
  };

  test("where no label says which requests failed", () => {
    expect(errors("no-error-label")).toBe(
      "http_requests_total counts requests, but no label says which failed",
    );
    expect(errors("nginx-exporter")).toBe(
      "nginx_http_requests_total counts requests, but no label says which failed",
    );
  });

  test("where its values do not say it", () => {
    expect(errors("odd-words")).toBe(
      "http_requests_total counts requests, but its label status (closed, kept) does not say which failed",
    );
    expect(errors("words")).toStartWith('http_requests_total{outcome=~"');
  });

  const page = (rows: string) => storeOfText(`# TYPE http_requests_total counter\n${rows}\n`);
  const ratio = (store: ReturnType<typeof page>) =>
    valuesOf(store, exprOf(readingOf(store).signals.errorRatio));

  test("and 0 only while requests are counted with the label that would say so", () => {
    expect(ratio(page('http_requests_total{status="200"} 9'))).toEqual([0]);
    expect(ratio(page('http_requests_total{status="200"} 0'))).toEqual([Number.NaN]);
    const { errorRatio } = readingOf(page('http_requests_total{status="200"} 9')).signals;
    // The label is gone after a deploy: nothing is known any more.
    expect(valuesOf(page("http_requests_total 9"), exprOf(errorRatio))).toEqual([]);
  });
});

/** A label, its values for a failure and for a success, and what of it is asked for. */
const LABELS: readonly (readonly [label: string, failed: string, fine: string])[] = [
  ["status", "500", "404"],
  ["status", "5xx", "4xx"],
  ["status", "5XX", "2XX"],
  ["status", "error", "success"],
  ["code", "503", "200"],
  ["code", "Bad Gateway", "Not Found"],
  ["status_code", "599", "302"],
  ["http_status", "500", "201"],
  ["http_response_status_code", "500", "200"],
  ["http_status_code", "502", "200"],
  ["response_code", "504", "200"],
  ["response_code_class", "5", "2"],
  ["response_code_class", "5xx", "2xx"],
  ["status_class", "5xx", "4xx"],
  ["outcome", "SERVER_ERROR", "CLIENT_ERROR"],
  ["outcome", "failure", "success"],
  ["exception", "IllegalStateException", "None"],
  ["exception", "NullPointerException", "none"],
];

describe("a failure is known by the label", () => {
  test.each(LABELS)("%s, %s and not %s", (label, failed, fine) => {
    const store = storeOfText(
      `# TYPE http_requests_total counter\nhttp_requests_total{${label}="${failed}"} 91\nhttp_requests_total{${label}="${fine}"} 9\n`,
    );
    const [ratio = Number.NaN] = valuesOf(store, exprOf(readingOf(store).signals.errorRatio));
    expect(ratio).toBeCloseTo(0.91, 9);
  });

  const GRPC = ["UNKNOWN", "Internal", "Unavailable", "DATA_LOSS", "DeadlineExceeded"] as const;
  test.each(GRPC)("grpc_code, %s and not what its caller got wrong", (failed) => {
    const count = (code: string, value: number) =>
      `grpc_server_handled_total{grpc_code="${code}"} ${value}\n`;
    const store = storeOfText(
      `# TYPE grpc_server_handled_total counter\n${count(failed, 91)}${count("NotFound", 4)}${count("OK", 5)}`,
    );
    const [ratio = Number.NaN] = valuesOf(store, exprOf(readingOf(store).signals.errorRatio));
    expect(ratio).toBeCloseTo(0.91, 9);
  });
});

describe("a process", () => {
  const read = (page: string, signal: Signal) => {
    const store = storeOf(page);
    return valuesOf(store, exprOf(readingOf(store).signals[signal]));
  };

  test("is read in cores and bytes, whatever they are called", () => {
    expect(read("spring-boot", "cpuCores")).toEqual([1]);
    expect(read("spring-boot", "memoryBytes")).toEqual([109_051_904]);
    expect(read("aspnetcore-otel", "memoryBytes")).toEqual([104_857_600]);
    expect(read("aspnetcore-otel", "cpuCores")[0]).toBeCloseTo(2.5 / 60, 1);
    expect(read("opentelemetry-seconds", "cpuCores")).toHaveLength(1);
    expect(read("prometheus-net", "memoryBytes")).toEqual([98_566_144]);
    expect(read("promhttp", "startTime")).toEqual([1_764_250_000]);
    expect(read("envoy", "startTime")).toEqual([60 - 4021]);
    expect(read("opentelemetry-seconds", "inFlight")).toEqual([2]);
  });

  const EXPORTERS = [
    ["redis-exporter", "redis_exporter", 1],
    ["postgres-exporter", "postgres_exporter", 0],
    ["nginx-exporter", "nginx-prometheus-exporter", 1],
  ] as const;
  test.each(EXPORTERS)("of %s is not the service's", (page, name, up) => {
    const { signals } = readingOf(storeOf(page));
    for (const signal of ["cpuCores", "memoryBytes", "startTime"] as const)
      expect(whyOf(signals, signal)).toStartWith(`its metrics are those of ${name}`);
    expect(read(page, "liveness")).toEqual([up]);
  });

  test("of an exporter that is not listed is known by what it says of its build", () => {
    const store = storeOfText(
      "some_exporter_build_info 1\nprocess_cpu_seconds_total 3\nprocess_resident_memory_bytes 5\n",
    );
    const { signals } = readingOf(store);
    expect(whyOf(signals, "cpuCores")).toStartWith("its metrics are those of some_exporter");
    expect(whyOf(signals, "liveness")).toContain("some_exporter tells no metric");
  });

  test("without metrics of requests says what would change that", () => {
    const { conventions, signals } = readingOf(storeOf("prom-client-default"));
    expect(conventions).toEqual(["process"]);
    for (const signal of ["requestRate", "errorRatio", "latency"] as const) {
      const reading = signals[signal];
      expect(reading.kind === "unreadable" && reading.whatWouldChangeIt).toContain(
        "express-prom-bundle",
      );
    }
    expect(signals.cpuCores.kind).toBe("readable");
  });
});

test("every page is read", () => {
  const read = [
    ...TRAFFIC.map(([page]) => page),
    ...["no-error-label", "odd-words", "words", "prom-client-default"],
    ...["redis-exporter", "postgres-exporter", "nginx-exporter"],
  ];
  expect(PAGES.toSorted()).toEqual(read.toSorted());
});

test("a convention may be set, and says so where its series are not there", () => {
  const store = storeOf("rack");
  expect(readingOf(store, "opentelemetry").signals.errorRatio.kind).toBe("unreadable");
  expect(readingOf(store, "rack").signals.errorRatio.kind).toBe("readable");
  expect(whyOf(readingOf(store, "gin").signals, "requestRate")).toBe(
    "its convention is set to gin, of which it has no series",
  );
});
