/** What a client sees of faults on ordinary traffic: late, wrong and missing answers, and none of them afterwards. */

import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { sentinelBinary } from "../support/binary.ts";
import { waitedForCpuMs } from "./process.ts";
import {
  binomialBound,
  type BreakableTarget,
  type Exchange,
  exchange,
  exchanges,
  expectNear,
  type FaultBody,
  openLoop,
  quantileOf,
  startTarget,
} from "./target.ts";

setDefaultTimeout(60_000);

const ITEMS = "/api/items";
const QUANTILE_TOLERANCE = 0.1;
/** An answer that nothing delays takes 1 ms; the machine may be busy. */
const AT_ONCE_MS = 150;

beforeAll(() => void sentinelBinary());

/** Half of them are answered at once: one slow answer may be the machine's. */
async function expectFastAgain(target: BreakableTarget): Promise<void> {
  const after = await exchanges(`${target.url}${ITEMS}`, { count: 100 });
  expect(after.every(({ status }) => status === 200)).toBe(true);
  expect(medianMs(after)).toBeLessThan(AT_ONCE_MS);
}

const tookS = (done: readonly Exchange[]) => done.map(({ tookMs }) => tookMs / 1000);
const medianMs = (done: readonly Exchange[]) => quantileOf(tookS(done), 0.5) * 1000;
const countOf = (done: readonly Exchange[], status: number) =>
  done.filter((each) => each.status === status).length;

describe("latency", () => {
  // Well below 256 under way, past which the client itself makes them wait.
  const load = { count: 1500, perSecond: 600 };

  test("follows a profile of quantiles within 10 %", async () => {
    await using target = await startTarget();
    const profile = { p50: 0.12, p90: 0.25, p99: 0.4 };
    const fault = await target.post({ kind: "latency", ...profile });
    const seen = tookS(await openLoop(`${target.url}${ITEMS}`, load));
    expectNear(quantileOf(seen, 0.5), profile.p50, QUANTILE_TOLERANCE);
    expectNear(quantileOf(seen, 0.9), profile.p90, QUANTILE_TOLERANCE);
    expectNear(quantileOf(seen, 0.99), profile.p99, QUANTILE_TOLERANCE);

    const told = await target.end(fault.id);
    expectNear(told.measured ?? 0, quantileOf(seen, 0.5), QUANTILE_TOLERANCE);
    expectNear(told.effect_ratio ?? 0, 1, QUANTILE_TOLERANCE);
    const ratio = await target.metric('sentinel_fault_effect_ratio{kind="latency"}');
    expect(ratio).toBe(told.effect_ratio ?? undefined);
    await expectFastAgain(target);
  });

  test("lies evenly between two bounds within 10 %", async () => {
    await using target = await startTarget();
    const [min, max] = [0.1, 0.3];
    const fault = await target.post({ kind: "latency", min, max });
    const seen = tookS(await openLoop(`${target.url}${ITEMS}`, load));
    // A timer of whole milliseconds may be early by one.
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(min - 0.001);
    for (const quantile of [0.1, 0.5, 0.9, 0.99]) {
      const expected = min + (max - min) * quantile;
      expectNear(quantileOf(seen, quantile), expected, QUANTILE_TOLERANCE);
    }
    await target.end(fault.id);
    await expectFastAgain(target);
  });

  test("hits its share of the requests, and lets go of those that wait when it ends", async () => {
    await using target = await startTarget();
    const share = 0.3;
    const fault = await target.post({ kind: "latency", min: 30, max: 30, share });
    const fromMs = performance.now();
    const under = openLoop(`${target.url}${ITEMS}`, { count: 600, perSecond: 400 });
    await Bun.sleep(2500);
    const endedMs = performance.now() - fromMs;
    await target.end(fault.id);
    const done = await under;
    const waited = done.filter(({ tookMs }) => tookMs > 900).length / done.length;
    expect(Math.abs(waited - share)).toBeLessThan(binomialBound(share, done.length));
    expect(countOf(done, 200)).toBe(600);
    expect(Math.max(...done.map(({ tookMs }) => tookMs))).toBeLessThan(endedMs + 1000);
    await expectFastAgain(target);
  });
});

describe("errors", () => {
  const count = 2000;

  test.concurrent.each([0, 0.01, 0.3, 0.9, 1])(
    "a probability of %d is the share of 2,000 requests within the binomial bound",
    async (probability) => {
      await using target = await startTarget();
      const fault = await target.post({ kind: "errors", status: 503, probability });
      const done = await exchanges(`${target.url}${ITEMS}`, { count });
      const failed = countOf(done, 503);
      expect(countOf(done, 200)).toBe(count - failed);
      const allowed = binomialBound(probability, count);
      expect(Math.abs(failed / count - probability)).toBeLessThanOrEqual(allowed);

      const told = await target.end(fault.id);
      expect(told.measured).toBeCloseTo(failed / count, 4);
      if (probability > 0) {
        expect(told.effect_ratio).toBeCloseTo(failed / count / probability, 3);
        const ratio = await target.metric('sentinel_fault_effect_ratio{kind="errors"}');
        expect(ratio).toBe(told.effect_ratio ?? undefined);
      }
      await expectFastAgain(target);
    },
  );

  test.concurrent("every Nth is every Nth, whoever asks", async () => {
    await using target = await startTarget();
    const fault = await target.post({ kind: "errors", every: 7 });
    const inTurn: number[] = [];
    while (inTurn.length < 50) inTurn.push((await target.get(ITEMS)).status);
    expect(inTurn).toEqual(inTurn.map((_, index) => ((index + 1) % 7 === 0 ? 500 : 200)));
    const atOnce = await exchanges(`${target.url}${ITEMS}`, { count: 1950 });
    // 2,000 in all hold 285 times 7; 7 of them came in turn.
    expect(countOf(atOnce, 500)).toBe(285 - 7);
    expect((await target.end(fault.id)).measured).toBeCloseTo(285 / 2000, 4);
    await expectFastAgain(target);
  });

  test.concurrent("the first N are the first N, and then it has ended by itself", async () => {
    await using target = await startTarget();
    const fault = await target.post({ kind: "errors", first: 13, status: 429 });
    const inTurn: number[] = [];
    while (inTurn.length < 12) inTurn.push((await target.get(ITEMS)).status);
    expect(await target.fault(fault.id)).toMatchObject({ state: "active", measured: 12 });
    while (inTurn.length < 40) inTurn.push((await target.get(ITEMS)).status);
    expect(inTurn).toEqual(inTurn.map((_, index) => (index < 13 ? 429 : 200)));
    const told = await target.fault(fault.id);
    expect(told).toMatchObject({ state: "completed", measured: 13, effect_ratio: 1 });

    await target.post({ kind: "errors", first: 13 });
    expect(countOf(await exchanges(`${target.url}${ITEMS}`, { count: 500 }), 500)).toBe(13);
  });

  test.concurrent("it is over when its time is", async () => {
    await using target = await startTarget();
    const askedMs = performance.now();
    const fault = await target.post({ kind: "errors", duration: 1 });
    const toldMs = performance.now();
    while ((await target.get(ITEMS)).status === 500) await Bun.sleep(5);
    const overMs = performance.now();
    // It began somewhere between the request for it and the answer.
    expect(overMs - askedMs).toBeGreaterThanOrEqual(1000);
    expect(overMs - toldMs - waitedForCpuMs(target.pid)).toBeLessThan(1100);
    expect(await target.fault(fault.id)).toMatchObject({ state: "expired", measured: 1 });
  });
});

interface Silence {
  readonly bytesAfterMs: number | undefined;
  readonly answer: Promise<string>;
}

/** A request over a connection of its own, which tells the first byte from none. */
async function ask(target: BreakableTarget, path: string): Promise<() => Silence> {
  const { hostname, port } = new URL(target.url);
  const { promise: connected, resolve: setConnected, reject } = Promise.withResolvers<void>();
  const { promise: answer, resolve: setAnswer } = Promise.withResolvers<string>();
  const socket = connect(Number(port), hostname, setConnected).on("error", reject);
  let text = "";
  let bytesAfterMs: number | undefined;
  socket.on("data", (chunk) => {
    bytesAfterMs ??= performance.now() - fromMs;
    text += String(chunk);
  });
  socket.on("close", () => setAnswer(text));
  await connected;
  const fromMs = performance.now();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`);
  return () => ({ bytesAfterMs, answer });
}

describe("hang", () => {
  test.concurrent(
    "accepts its share of the requests and sends no byte before its end",
    async () => {
      await using target = await startTarget();
      const share = 0.4;
      const count = 500;
      const fault = await target.post({ kind: "hang", share });
      const asked = await Promise.all(Array.from({ length: count }, () => ask(target, ITEMS)));
      await Bun.sleep(2000);
      const silent = asked.filter((silence) => silence().bytesAfterMs === undefined);
      expect(Math.abs(silent.length / count - share)).toBeLessThan(binomialBound(share, count));
      const answered = asked.flatMap((silence) => silence().bytesAfterMs ?? []);
      expect(quantileOf(answered, 0.5)).toBeLessThan(5 * AT_ONCE_MS);
      // Whoever hangs holds nobody else up.
      expect((await exchange(`${target.url}/health`)).status).toBe(200);

      const told = await target.end(fault.id);
      expect(told.measured).toBeCloseTo(silent.length / count, 4);
      expect(told.effect_ratio).toBeCloseTo(silent.length / count / share, 3);
      const answers = await Promise.all(silent.map((silence) => silence().answer));
      expect(answers.every((answer) => answer.startsWith("HTTP/1.1 503 "))).toBe(true);
      await expectFastAgain(target);
    },
  );

  test.concurrent.each<FaultBody>([{ kind: "hang" }, { kind: "latency", min: 60, max: 60 }])(
    "a client that leaves is a 499 in the log, and nothing waits for it: %o",
    async (body) => {
      await using target = await startTarget();
      const { id } = await target.post(body);
      const gone = target.get(ITEMS, { signal: AbortSignal.timeout(300) });
      expect(await gone.catch((error: Error) => error.name)).toBe("TimeoutError");
      const logged = await target.process.event(({ path }) => path === ITEMS, 3000);
      expect(logged).toMatchObject({ event: "request_processed", status: 499 });
      expect(await target.fault(id)).toMatchObject({ state: "active" });
      target.process.kill("SIGTERM");
      expect(await target.process.exited).toBe(0);
    },
  );
});

describe("which requests", () => {
  const paths = ["/health", "/ready", "/metrics", "/faults", ITEMS, "/api/items/1", "/nowhere"];
  const untouched = [200, 200, 200, 200, 200, 200, 404];

  async function statuses(target: BreakableTarget): Promise<readonly number[]> {
    return Promise.all(paths.map(async (path) => (await target.get(path)).status));
  }

  test.concurrent.each<[string, readonly string[] | undefined, readonly number[]]>([
    ["all ordinary traffic by default", undefined, [200, 200, 200, 200, 418, 418, 418]],
    ["a wildcard spares probes and controls", ["/*"], [200, 200, 200, 200, 418, 418, 418]],
    ["what is below a path", ["/api/items/*"], [200, 200, 200, 200, 200, 418, 404]],
    ["one path alone", [ITEMS], [200, 200, 200, 200, 418, 200, 404]],
    ["a template", ["/api/items/:id"], [200, 200, 200, 200, 200, 418, 404]],
    ["the probes, if they are named", ["/health", "/ready"], [418, 418, 200, 200, 200, 200, 404]],
    [
      "metrics and faults, if they are named",
      ["/metrics", "/faults"],
      [200, 200, 418, 418, 200, 200, 404],
    ],
    ["a name that only begins alike", ["/api/item"], untouched],
  ])("%s", async (_, routes, expected) => {
    await using target = await startTarget();
    expect(await statuses(target)).toEqual([...untouched]);
    const fault = await target.post({ kind: "errors", status: 418, ...(routes && { routes }) });
    expect(await statuses(target)).toEqual([...expected]);
    await target.end(fault.id);
    expect(await statuses(target)).toEqual([...untouched]);
  });

  test.concurrent.each<FaultBody>([
    { kind: "errors", routes: ["/faults", "/faults/*"] },
    { kind: "hang", routes: ["/faults", "/faults/*"] },
    { kind: "latency", min: 60, max: 60, routes: ["/faults", "/faults/*"] },
  ])("whatever is named, DELETE gets through: %o", async (body) => {
    await using target = await startTarget();
    const { id } = await target.post(body);
    const one = await target.get(`/faults/${id}`, { method: "DELETE" });
    expect(await one.json()).toMatchObject({ id, state: "cancelled" });
    await target.post(body);
    const all = await target.get("/faults", { method: "DELETE" });
    expect(await all.json()).toMatchObject({ ended: [{ state: "cancelled" }] });
    expect((await exchange(`${target.url}/faults`)).status).toBe(200);
  });

  test.concurrent("one that is late and wrong is late first", async () => {
    await using target = await startTarget();
    await target.post({ kind: "errors", status: 502 });
    await target.post({ kind: "latency", min: 0.3, max: 0.3 });
    const { status, tookMs } = await exchange(`${target.url}${ITEMS}`);
    expect(status).toBe(502);
    expect(tookMs).toBeGreaterThan(299);
  });
});

describe("X-Sentinel-Fault", () => {
  let target: BreakableTarget;
  beforeAll(async () => {
    target = await startTarget();
  });
  afterAll(() => target[Symbol.asyncDispose]());

  test.each([
    ["latency=0.4", 200, 400],
    ["status=503", 503, 0],
    ["latency=0.3,status=429", 429, 300],
    ["status=404, latency=0.2", 404, 200],
  ])("%s applies to that request alone", async (header, status, leastMs) => {
    const url = `${target.url}${ITEMS}`;
    const others = openLoop(url, { count: 100, perSecond: 200 });
    const hit = await exchange(url, { headers: { "x-sentinel-fault": header } });
    const done = await others;
    expect(hit.status).toBe(status);
    expect(hit.tookMs).toBeGreaterThanOrEqual(leastMs - 1);
    expect(hit.tookMs).toBeLessThan(leastMs + AT_ONCE_MS);
    expect(countOf(done, 200)).toBe(100);
    expect(medianMs(done)).toBeLessThan(AT_ONCE_MS);
  });

  test.each(["latency", "latency=-1", "latency=121", "status=200", "statu=500", ""])(
    "%p is refused, and nothing is done",
    async (header) => {
      const response = await target.get(ITEMS, { headers: { "x-sentinel-fault": header } });
      expect(await response.json()).toMatchObject({ field: "x-sentinel-fault" });
      expect(response.status).toBe(422);
    },
  );
});
