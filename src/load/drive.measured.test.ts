/** Loads against real servers: what is sent, what is counted, and when it ends. */

import { describe, expect, test } from "bun:test";
import { drive } from "./drive.ts";
import type { LoadPlan } from "./plan.ts";
import type { Results } from "./results.ts";
import { ENDPOINTS } from "./traffic.ts";

const GOES_ON = new AbortController().signal;
/** Of a run, in ms; the machine may be busy. */
const BUSY_MS = 3000;

type Serve = (request: Request) => Response | Promise<Response>;

/** A service on loopback that ends with the test. */
function serve(fetch: Serve) {
  const server = Bun.serve({ hostname: "127.0.0.1", port: 0, development: false, fetch });
  const url = server.url.href.replace(/\/$/, "");
  return {
    plan: (rate: number, durationS = 1): LoadPlan => ({ rate, durationS, url }),
    stop: () => server.stop(true),
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}

function failures(results: Results): Record<string, number> {
  return Object.fromEntries(results.total.failures);
}

function counted({ total }: Results): number {
  return [...total.failures.values()].reduce((sum, count) => sum + count, total.succeeded);
}

const hangs = () => new Promise<Response>(() => {});

describe("a load", () => {
  test("sends the mix on time, bodies included, and counts it", async () => {
    const seen: string[] = [];
    const atMs: number[] = [];
    await using service = serve(async (request) => {
      const { pathname } = new URL(request.url);
      atMs.push(performance.now());
      const type = request.headers.get("content-type");
      seen.push(`${request.method} ${pathname} ${type} ${await request.text()}`);
      return new Response("ok");
    });
    const results = await drive(service.plan(100), GOES_ON);
    expect(seen).toHaveLength(100);
    expect(seen[0]).toBe("GET /api/items null ");
    expect(seen).toContain("GET /api/items/2 null ");
    expect(seen).toContain('POST /api/orders application/json {"item_id":2,"quantity":2}');
    expect(ENDPOINTS.map((endpoint) => results.endpoints[endpoint].succeeded)).toEqual([
      70, 20, 10,
    ]);
    expect(failures(results)).toEqual({});
    expect(results).toMatchObject({ durationMs: 1000, interrupted: false });
    // A hundred at once would take no time at all.
    expect((atMs.at(-1) ?? 0) - (atMs[0] ?? 0)).toBeGreaterThan(950);
  });

  test("tells failures by status and by cause", async () => {
    await using service = serve(({ method, url }) => {
      if (method === "POST") return new Response("", { status: 503 });
      if (url.endsWith("/items")) return new Response("ok");
      return Response.redirect("/api/items", 302);
    });
    const results = await drive(service.plan(100), GOES_ON);
    expect([...results.endpoints["POST /api/orders"].failures]).toEqual([["status 503", 10]]);
    expect([...results.endpoints["GET /api/items/:id"].failures]).toEqual([["status 302", 20]]);
    expect(results.endpoints["GET /api/items"].succeeded).toBe(70);
    // An error that comes at once must not make the service look fast.
    expect(results.endpoints["POST /api/orders"].latency.maxMs).toBeUndefined();
  });

  test("goes on when the service is gone, and counts what is refused", async () => {
    await using service = serve(() => new Response("ok"));
    setTimeout(service.stop, 500);
    const results = await drive(service.plan(100), GOES_ON);
    expect(counted(results)).toBe(100);
    expect(results.total.succeeded).toBeGreaterThan(20);
    expect(failures(results)["connection refused"]).toBeGreaterThan(20);
  });
});

describe.concurrent("coordinated omission", () => {
  const RATE = 100;
  const DURATION_S = 4;
  const STALL_MS = 1000;
  const LATE_MS = 100;

  /** Answers at once, but for one second in the middle: who asks then is answered after it. */
  function stallingOnce() {
    let startMs: number | undefined;
    let slow = 0;
    const service = serve(async () => {
      const fromMs = performance.now();
      startMs ??= fromMs;
      const stallsUntilMs = startMs + 1500 + STALL_MS;
      if (fromMs > startMs + 1500 && fromMs < stallsUntilMs)
        await Bun.sleep(stallsUntilMs - fromMs);
      if (performance.now() - fromMs > LATE_MS) slow += 1;
      return new Response("ok");
    });
    return { service, slow: () => slow };
  }

  test.each([
    ["all that are due meanwhile are sent", 256, 90],
    ["they wait for the only connection, and the service sees one slow request", 1, 1],
  ])("a stall of 1 s delays all requests that are due in it: %s", async (_, connections, seen) => {
    const { service, slow } = stallingOnce();
    await using _service = service;
    const limits = { connections, deadlineMs: 30_000 };
    const results = await drive(service.plan(RATE, DURATION_S), GOES_ON, limits);
    expect(failures(results)).toEqual({});
    expect(results.total.succeeded).toBe(RATE * DURATION_S);
    expect(Math.abs(slow() - seen)).toBeLessThanOrEqual(seen === 1 ? 0 : 20);

    // A hundred are late, evenly by 0 to 1 s: a quarter of all, and of these the last tenth by 0.6 s or more.
    const { percentile, maxMs = 0 } = results.total.latency;
    expect(percentile(50)).toBeLessThan(50);
    expect(percentile(90)).toBeGreaterThan(450);
    expect(percentile(90)).toBeLessThan(900);
    expect(maxMs).toBeGreaterThan(900);
    expect(maxMs).toBeLessThan(STALL_MS + BUSY_MS);
  });
});

describe("nothing is lost", () => {
  test("of a service that never answers: all fail, within their deadline", async () => {
    await using service = serve(hangs);
    const limits = { connections: 2, deadlineMs: 400 };
    const fromMs = performance.now();
    const results = await drive(service.plan(100), GOES_ON, limits);
    // The last is due after 990 ms.
    expect(performance.now() - fromMs).toBeGreaterThanOrEqual(1390);
    expect(performance.now() - fromMs).toBeLessThan(1390 + BUSY_MS);
    const { "no answer within 0.4 s": unanswered = 0, "not sent within 0.4 s": unsent = 0 } =
      failures(results);
    expect(unanswered + unsent).toBe(100);
    expect(unanswered).toBeGreaterThanOrEqual(4);
    expect(unsent).toBeGreaterThanOrEqual(40);
  });

  test("of an answer that begins and does not end", async () => {
    await using service = serve(() => {
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(new Uint8Array(10)),
        pull: () => new Promise<void>(() => {}),
      });
      return new Response(body);
    });
    const limits = { connections: 256, deadlineMs: 300 };
    const results = await drive(service.plan(10), GOES_ON, limits);
    expect(failures(results)).toEqual({ "no answer within 0.3 s": 10 });
  });

  test("when it is interrupted: what is due by then and unanswered fails at once", async () => {
    await using service = serve(({ method }) => (method === "POST" ? hangs() : new Response("ok")));
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 500);
    const fromMs = performance.now();
    const results = await drive(service.plan(100, 60), stop.signal);
    expect(performance.now() - fromMs).toBeLessThan(500 + BUSY_MS);
    expect(results.interrupted).toBe(true);
    expect(results.durationMs).toBeGreaterThanOrEqual(499);
    // One in ten hangs.
    const dueByThen = Math.floor(results.durationMs / 10) + 1;
    expect(counted(results)).toBe(dueByThen);
    const { interrupted = 0, ...others } = failures(results);
    expect(others).toEqual({});
    expect(interrupted).toBeGreaterThanOrEqual(5);
    expect(results.total.succeeded).toBeGreaterThan(30);
  });

  test("when it is interrupted while all connections are busy", async () => {
    await using service = serve(hangs);
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 300);
    const limits = { connections: 1, deadlineMs: 30_000 };
    const results = await drive(service.plan(100, 60), stop.signal, limits);
    const dueByThen = Math.floor(results.durationMs / 10) + 1;
    expect(failures(results)).toEqual({ interrupted: dueByThen });
  });

  test("when it is interrupted before it begins", async () => {
    await using service = serve(() => new Response("ok"));
    const results = await drive(service.plan(100), AbortSignal.abort());
    expect(results.interrupted).toBe(true);
    expect(counted(results)).toBeLessThanOrEqual(2);
    expect(results.total.succeeded).toBe(0);
  });
});

test("no more requests are under way than there are connections", async () => {
  let open = 0;
  let most = 0;
  await using service = serve(async () => {
    open += 1;
    most = Math.max(most, open);
    await Bun.sleep(20);
    open -= 1;
    return new Response("ok");
  });
  const limits = { connections: 3, deadlineMs: 30_000 };
  const results = await drive(service.plan(300), GOES_ON, limits);
  expect(most).toBe(3);
  expect(results.total.succeeded).toBe(300);
  // 3 connections answer 150 a second: in the second that was planned about half of them.
  expect(results.total.inTime).toBeLessThan(200);
});
