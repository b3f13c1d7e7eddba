import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { BYTES_PER_MB } from "./faults/held-memory.ts";
import { createTarget, type TargetDependencies } from "./server.ts";
import { TARGET_SETTINGS, aliveProcess } from "../../test/support/target.ts";

interface Line {
  readonly level: string;
  readonly event: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

const ROOM_MB = 300;
const MEMORY = {
  residentBytes: () => 0,
  allowedBytes: () => ROOM_MB * BYTES_PER_MB,
  hasOwnLimit: () => false,
};

function startTarget(
  dependencies: Partial<TargetDependencies> = {},
  settings: Partial<typeof TARGET_SETTINGS> = {},
) {
  const lines: Line[] = [];
  const target = createTarget(
    { ...TARGET_SETTINGS, maxActiveFaults: 2, ...settings },
    {
      emit: (level, event, fields) => lines.push({ level, event, fields }),
      random: () => 0,
      ownProcess: aliveProcess,
      memory: MEMORY,
      cpuWorkerEntry: join(import.meta.dir, "cpu-worker.ts"),
      ...dependencies,
    },
  );
  const get = async (path: string, init: RequestInit = {}) => {
    return target.handle(new Request(`http://localhost:8000${path}`, init));
  };
  const events = () => lines.map((line) => line.event);
  /** Without the ground truth, which stands around each fault. */
  const appLines = () => lines.filter(({ event }) => !event.startsWith("fault_"));
  return {
    ...target,
    get,
    lines,
    events,
    appLines,
    [Symbol.asyncDispose]: () => target.stopFaults(),
  };
}

/** A handler starts within the microtasks that follow its request. */
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

describe("plain endpoints", () => {
  test("GET /health says ok, also with a slash at the end or to HEAD", async () => {
    await using target = startTarget();
    const response = await target.get("/health");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ok" });
    expect((await target.get("/health/")).status).toBe(200);
    expect((await target.get("/health", { method: "HEAD" })).status).toBe(200);
  });

  test("a host of one letter keeps its path", async () => {
    await using target = startTarget();
    expect((await target.handle(new Request("http://a/health"))).status).toBe(200);
  });

  test("GET / says what this is and what it serves", async () => {
    await using target = startTarget();
    const body: unknown = await (await target.get("/")).json();
    expect(body).toMatchObject({ service: "sentinel-target", version: "1.2.3" });
    expect(body).toHaveProperty(["endpoints", "/stress/cpu"]);
  });

  test("GET /metrics knows the requests so far, by template", async () => {
    await using target = startTarget();
    await target.get("/health/?a=b");
    await target.get("/no/such/path");
    const response = await target.get("/metrics");
    expect(response.headers.get("content-type")).toStartWith("text/plain; version=0.0.4");
    const text = await response.text();
    expect(text).toContain('http_requests_total{method="GET",route="/health",status="200"} 1\n');
    expect(text).toContain('http_requests_total{method="GET",route="unmatched",status="404"} 1\n');
    expect(text).toContain(
      'http_requests_total{method="GET",route="/stress/crash",status="500"} 0\n',
    );
    expect(text).not.toContain("/no/such/path");
  });
});

describe("what is not served", () => {
  test("an unknown path is a 404 that says where to look", async () => {
    await using target = startTarget();
    for (const path of ["/nope", "/healthy", "/stress", "/stress/cpu/x", "/HEALTH"]) {
      const response = await target.get(path);
      expect([path, response.status]).toEqual([path, 404]);
      expect(await response.json()).toMatchObject({ error: "not_found" });
    }
  });

  test("a wrong method on a known path is a 405 with those allowed", async () => {
    await using target = startTarget();
    const response = await target.get("/stress/cpu", { method: "POST" });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET");
    expect(await response.json()).toMatchObject({ error: "method_not_allowed" });
    const health = await target.get("/health", { method: "DELETE" });
    expect(health.headers.get("allow")).toBe("GET, HEAD");
  });

  test("a URL past all sense is a 414, and its log line is short", async () => {
    await using target = startTarget();
    expect((await target.get(`/${"a".repeat(4_000)}`)).status).toBe(404);
    expect((await target.get(`/${"a".repeat(5_000)}`)).status).toBe(414);
    for (const { fields } of target.lines) expect(String(fields["path"]).length).toBeLessThan(300);
  });
});

describe("log lines", () => {
  test("each request is one line, the query left out", async () => {
    await using target = startTarget({ nowMs: () => 0 });
    await target.get("/health?secret=1");
    expect(target.lines).toEqual([
      {
        level: "info",
        event: "request_processed",
        fields: { method: "GET", path: "/health", status: 200, duration_s: 0 },
      },
    ]);
  });

  test("a crash is logged: what was triggered, what it threw, what was answered", async () => {
    await using target = startTarget();
    const response = await target.get("/stress/crash");
    expect(response.status).toBe(500);
    expect(await response.json()).toMatchObject({ error: "internal_error" });
    expect(target.appLines().map(({ level, event }) => [level, event])).toEqual([
      ["warning", "crash_stress_triggered"],
      ["error", "unhandled_exception"],
      ["info", "request_processed"],
    ]);
    expect(target.appLines()[0]?.fields).toEqual({ exception_type: "ValueError" });
    expect(target.appLines()[1]?.fields).toEqual({
      error: "Simulated ValueError: Invalid configuration",
      path: "/stress/crash",
      type: "ValueError",
    });
    expect((await target.get("/health")).status).toBe(200);
  });
});

describe("latency stress", () => {
  test("the delay is drawn from the range", async () => {
    await using target = startTarget({ random: () => 0.5 });
    const response = await target.get("/stress/latency?min_delay=0.01&max_delay=0.03");
    expect(await response.json()).toEqual({ message: "Simulated latency of 0.02 seconds" });
    expect(target.appLines().slice(0, 2)).toEqual([
      { level: "info", event: "latency_stress_started", fields: { delay: 0.02 } },
      { level: "info", event: "latency_stress_completed", fields: { delay: 0.02 } },
    ]);
  });

  test.each([
    ["a range upside down", "min_delay=2&max_delay=1", "min_delay"],
    ["a lower bound above the default of the upper one", "min_delay=6", "min_delay"],
    ["more than two minutes", "max_delay=120.1", "max_delay"],
    ["a parameter of another endpoint", "duration=1", "duration"],
  ])("%s is a 422 that names it", async (_, query, field) => {
    await using target = startTarget();
    const response = await target.get(`/stress/latency?${query}`);
    expect(response.status).toBe(422);
    expect(await response.json()).toMatchObject({ error: "invalid_parameter", field });
    expect(target.events()).toEqual(["request_processed"]);
  });

  test("past the limit there is a 429 that says when to come again", async () => {
    let nowMs = 0;
    await using target = startTarget({ nowMs: () => nowMs });
    const waiting = [60, 30].map((s) =>
      target.get(`/stress/latency?min_delay=${s}&max_delay=${s}`),
    );
    await nextTurn();
    nowMs = 10_500;
    const response = await target.get("/stress/latency?min_delay=0&max_delay=0");
    expect(response.status).toBe(429);
    expect(response.headers.get("retry-after")).toBe("20");
    expect(await response.json()).toMatchObject({ error: "too_many_faults" });
    expect((await target.get("/health")).status).toBe(200);
    await target.stopFaults();
    for (const answer of await Promise.all(waiting)) expect(answer.status).toBe(503);
  });

  test("a client that goes away ends it", async () => {
    await using target = startTarget();
    const client = new AbortController();
    const waiting = target.get("/stress/latency", { signal: client.signal });
    await nextTurn();
    expect(target.activeFaults()).toBe(1);
    client.abort();
    expect((await waiting).status).toBe(499);
    expect(target.activeFaults()).toBe(0);
    expect(target.appLines()[1]).toMatchObject({
      level: "warning",
      event: "latency_stress_cancelled",
      fields: { reason: "client_gone" },
    });
  });
});

describe("memory stress", () => {
  test("what is leaked adds up", async () => {
    await using target = startTarget();
    expect(await (await target.get("/stress/memory?megabytes=5")).json()).toEqual({
      message: "Added 5MB to memory.",
      total_leaked_mb: 5,
      resident_bytes: 0,
    });
    expect(await (await target.get("/stress/memory")).json()).toMatchObject({
      total_leaked_mb: 15,
    });
    const completed = target.lines.filter((line) => line.event === "memory_stress_completed");
    expect(completed.map((line) => line.fields["current_size_mb"])).toEqual([5, 15]);
  });

  test("more than is left is a 422 that says how much is", async () => {
    await using target = startTarget();
    const response = await target.get(`/stress/memory?megabytes=${ROOM_MB + 1}`);
    expect(response.status).toBe(422);
    const body: unknown = await response.json();
    expect(body).toMatchObject({ field: "megabytes" });
    expect(body).toHaveProperty("message", expect.stringContaining("from 1 to 300"));
  });

  test.each([
    ["the default, where less is left", 5, "from 1 to 5"],
    ["anything, where nothing is left", 0, "no memory is left"],
  ])("%s is a 422", async (_, roomMb, message) => {
    const memory = { ...MEMORY, allowedBytes: () => roomMb * BYTES_PER_MB };
    await using target = startTarget({ memory });
    const response = await target.get("/stress/memory");
    expect(response.status).toBe(422);
    expect(await response.json()).toHaveProperty("message", expect.stringContaining(message));
  });
});

describe("CPU stress", () => {
  test("answers what it found, and says so in the log", async () => {
    await using target = startTarget();
    const response = await target.get("/stress/cpu?duration=0.2");
    const body: unknown = await response.json();
    expect(body).toEqual({
      message: "CPU stress test completed for 0.2 seconds",
      primes_found: expect.any(Number),
      workers: navigator.hardwareConcurrency,
    });
    expect(target.appLines().map(({ event }) => event)).toEqual([
      "cpu_stress_started",
      "cpu_stress_completed",
      "request_processed",
    ]);
  });

  test("workers that cannot start are a failure that is seen", async () => {
    await using target = startTarget({ cpuWorkerEntry: join(import.meta.dir, "missing.ts") });
    expect((await target.get("/stress/cpu?duration=1")).status).toBe(500);
    expect(target.appLines().map(({ event }) => event)).toEqual([
      "cpu_stress_started",
      "cpu_stress_cancelled",
      "unhandled_exception",
      "request_processed",
    ]);
  });
});

describe("a browser's request from another site", () => {
  const paths = ["/stress/cpu", "/stress/memory", "/stress/latency", "/stress/crash"];
  test.each(paths)("starts no fault at %s", async (path) => {
    await using target = startTarget();
    for (const headers of [
      { "sec-fetch-site": "cross-site" },
      { "sec-fetch-site": "same-site" },
      { origin: "http://evil.example" },
    ]) {
      const response = await target.get(path, { headers });
      expect(response.status).toBe(403);
      expect(await response.json()).toMatchObject({ error: "cross_site" });
    }
    expect(new Set(target.events())).toEqual(new Set(["request_processed"]));
  });

  test("may still ask for the health", async () => {
    await using target = startTarget();
    const headers = { "sec-fetch-site": "cross-site" };
    expect((await target.get("/health", { headers })).status).toBe(200);
  });
});
