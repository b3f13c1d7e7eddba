/**
 * A small shop that is broken on purpose, for `bench/record-causes.ts`: JSON logs, prom-client's names, a Redis
 * behind it. What breaks it is asked for on a port of its own, and its log says no more than any service's would.
 */

import { appendFileSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";

const release = readFileSync("/app/release", "utf8").trim();
const env = process.env;
const log = (level: string, event: string, more: object = {}) =>
  console.log(JSON.stringify({ timestamp: new Date().toISOString(), level, event, ...more }));

if (!env["REDIS_URL"]) {
  log("error", "invalid configuration: REDIS_URL is not set");
  process.exit(1);
}
if (release === "1.5.3") {
  const name = "./pricing-v2.ts";
  await import(name);
}

const redis = new URL(env["REDIS_URL"]);
const timeoutMs = Number(env["TIMEOUT_MS"] ?? 2000);
const maxConnections = Number(env["POOL"] ?? 50);
const maxInFlight = Number(env["MAX_IN_FLIGHT"] ?? 1000);
const workMs = Number(env["WORK_MS"] ?? 3);
const dataDir = env["DATA_DIR"] ?? "/tmp";
const payUrl = env["PAY_URL"];

const held: unknown[] = [];
let connections = 0;
let inFlight = 0;
let failShare = 0;
let leakPerRequest = 0;
let isLocked = false;
let lockMs = 0;
let lock: Promise<unknown> = Promise.resolve();
let hasMetrics = true;
let isHealthStuck = false;
let leaksConnections = false;

/** One command on a connection of its own. */
function ask(...words: readonly string[]): Promise<string> {
  if (connections >= maxConnections)
    return Promise.reject(new Error("pool exhausted: no free connection to redis"));
  connections += 1;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const socket: Socket = connect(Number(redis.port || 6379), redis.hostname);
  const timer = setTimeout(
    () => socket.destroy(new Error(`timed out waiting for the answer of redis at ${redis.host}`)),
    timeoutMs,
  );
  socket.on("connect", () => {
    const auth = redis.password ? `AUTH ${redis.password}\r\n` : "";
    socket.write(`${auth}${words.join(" ")}\r\n`);
  });
  let text = "";
  socket.on("data", (chunk) => {
    text += chunk.toString();
    if (redis.password && text.startsWith("+OK\r\n")) text = text.slice(5);
    if (!text.endsWith("\r\n")) return;
    if (text.startsWith("-")) reject(new Error(`redis: ${text.slice(1).trim()}`));
    else resolve(text);
    if (!leaksConnections) socket.end();
  });
  socket.on("error", reject);
  socket.on("close", () => reject(new Error("redis: connection closed")));
  return promise.finally(() => {
    clearTimeout(timer);
    if (!leaksConnections) connections -= 1;
  });
}

function work(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs) Math.sqrt(untilMs);
}

async function turn(): Promise<void> {
  if (isLocked) await new Promise(() => undefined);
  if (lockMs === 0) return;
  lock = lock.then(() => Bun.sleep(lockMs));
  await lock;
}

async function handle(route: string): Promise<Response> {
  await turn();
  if (leakPerRequest > 0) held.push(Buffer.alloc(leakPerRequest * 1024, 1));
  if (route === "/items" || route === "/orders") {
    if (Math.random() < failShare) {
      const order: { customer?: { name: string } } = {};
      Reflect.get(Object(Reflect.get(order, "customer")), "name").trim();
    }
    work(release === "1.5.4" ? workMs * 25 : workMs);
    if (release === "1.5.1") for (let i = 0; i < 40; i += 1) await Bun.sleep(25);
    if (release === "1.5.2") held.push(Buffer.alloc(1024 * 1024, 1));
    await ask(...(route === "/items" ? ["GET", "items"] : ["INCR", "orders"]));
  }
  if (route === "/orders") {
    if (release === "1.5.0") Reflect.get(Object(undefined), "total").toFixed(2);
    appendFileSync(`${dataDir}/orders.log`, `${"order ".repeat(20)}\n`);
    if (payUrl !== undefined) {
      const paid = await fetch(payUrl, { signal: AbortSignal.timeout(timeoutMs) });
      if (!paid.ok) throw new Error(`payment service answered with status ${paid.status}`);
    }
    orders += 1;
  }
  return new Response("ok\n");
}

let orders = 0;
const startedAt = Date.now() / 1000;
const BUCKETS = [0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const counts = new Map<string, number>();
const durations = new Map<string, { buckets: number[]; sum: number; count: number }>();

function count(method: string, route: string, status: number, seconds: number): void {
  const labels = `method="${method}",route="${route}",status="${status}"`;
  counts.set(labels, (counts.get(labels) ?? 0) + 1);
  if (route === "/health" || route === "/metrics") return;
  const of = durations.get(labels) ?? { buckets: BUCKETS.map(() => 0), sum: 0, count: 0 };
  of.sum += seconds;
  of.count += 1;
  BUCKETS.forEach((le, at) => {
    if (seconds <= le) of.buckets[at] = (of.buckets[at] ?? 0) + 1;
  });
  durations.set(labels, of);
}

function metrics(): string {
  const { user, system } = process.cpuUsage();
  return [
    `process_cpu_seconds_total ${(user + system) / 1e6}`,
    `process_resident_memory_bytes ${process.memoryUsage.rss()}`,
    `process_start_time_seconds ${startedAt}`,
    `shop_orders_total ${orders}`,
    ...[...counts].map(([labels, value]) => `http_requests_total{${labels}} ${value}`),
    ...[...durations].flatMap(([labels, { buckets, sum, count: all }]) => [
      ...BUCKETS.map(
        (le, at) => `http_request_duration_seconds_bucket{${labels},le="${le}"} ${buckets[at]}`,
      ),
      `http_request_duration_seconds_bucket{${labels},le="+Inf"} ${all}`,
      `http_request_duration_seconds_sum{${labels}} ${sum}`,
      `http_request_duration_seconds_count{${labels}} ${all}`,
    ]),
    "",
  ].join("\n");
}

Bun.serve({
  port: 8000,
  idleTimeout: 60,
  async fetch(request) {
    const fromMs = performance.now();
    const route = new URL(request.url).pathname;
    const { method } = request;
    if (route === "/metrics") {
      if (!hasMetrics) return new Response("not found", { status: 404 });
      return new Response(metrics());
    }
    if (route === "/health") {
      if (isHealthStuck) await new Promise(() => undefined);
      return new Response("ok", { status: release === "1.5.5" ? 404 : 200 });
    }
    let status = 200;
    if (inFlight >= maxInFlight) {
      status = 503;
      log("warning", "rejected request: at capacity", { route, in_flight: inFlight });
    } else {
      inFlight += 1;
      try {
        await handle(route);
      } catch (error) {
        status = 500;
        const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
        log("error", "request failed", { method, route, error: text });
      } finally {
        inFlight -= 1;
      }
    }
    const seconds = (performance.now() - fromMs) / 1000;
    count(method, route, status, seconds);
    log("info", "request", { method, route, status, duration_s: Number(seconds.toFixed(4)) });
    return new Response("", { status });
  },
});

/** What breaks it, by name; `n` is how much. */
const FAULTS: Record<string, (n: number) => void> = {
  block: () => {
    for (;;) Math.sqrt(2);
  },
  spin: (n) => {
    const code = `for (;;) { const until = performance.now() + ${n}; while (performance.now() < until); Bun.sleepSync(${100 - n}); }`;
    held.push(new Worker(URL.createObjectURL(new Blob([code]))));
  },
  busy: (n) => void setInterval(() => work(n), 100),
  leak: (n) => void setInterval(() => held.push(Buffer.alloc(n * 1024 * 102, 1)), 100),
  leak_requests: (n) => (leakPerRequest = n),
  alloc: (n) => held.push(Buffer.alloc(n * 1024 * 1024, 1)),
  lock: () => (isLocked = true),
  lock_all: () => (isHealthStuck = isLocked = true),
  slow_lock: (n) => (lockMs = n),
  fail: (n) => (failShare = n / 100),
  exit: (n) => {
    log("error", "unhandled rejection, shutting down", { error: "RangeError: Invalid cursor" });
    process.exit(n);
  },
  files: () =>
    void setInterval(() => {
      try {
        for (let i = 0; i < 5; i += 1) held.push(openSync("/app/shop.ts", "r"));
      } catch (error) {
        log("error", "cannot open the price list", { error: String(error) });
        failShare = 0.5;
      }
    }, 100),
  connections: () => (leaksConnections = true),
  fill: () => {
    try {
      for (let i = 0; ; i += 1)
        writeFileSync(`${dataDir}/export-${i}`, Buffer.alloc(256 * 1024, 1));
    } catch (error) {
      log("error", "cannot write the export", { error: String(error) });
    }
  },
  no_metrics: () => (hasMetrics = false),
};

Bun.serve({
  port: 9000,
  fetch(request) {
    const url = new URL(request.url);
    const fault = FAULTS[url.pathname.slice(1)];
    if (fault === undefined) return new Response("", { status: 404 });
    setTimeout(() => fault(Number(url.searchParams.get("n") ?? 1)), 50);
    return new Response("ok");
  },
});

log("info", "listening", { port: 8000, release });
if (env["CRASH_AFTER_MS"])
  setTimeout(() => {
    log("error", "uncaught exception", {
      error: "TypeError: cannot read the message of order 4711",
    });
    process.exit(1);
  }, Number(env["CRASH_AFTER_MS"]));
process.on("SIGTERM", () => process.exit(0));
