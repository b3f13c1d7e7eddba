/** However a fault ends, it leaves nothing: random sequences of faults, looked at from outside the process. */

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import type { Event } from "../support/binary.ts";
import {
  type BreakableTarget,
  type Footprint,
  footprint,
  settled,
  startBreakable,
} from "./breaking.ts";

const SEQUENCES = { ended: 172, stopped: 22, killed: 6 } as const;
const TIMEOUT_MS = 150_000;
/** What the runtime itself may add: threads and descriptors of its pools, its heap. */
const OWN_THREADS = 3;
const OWN_DESCRIPTORS = 3;
const OWN_MB = 40;
/** Of one core, in a second in which nothing is asked of it. */
const MAX_IDLE_CPU_MS = 150;

/** The same in each run, so that a failure is the change's; another one with FAULT_SEED. */
const seed = Number(process.env["FAULT_SEED"] ?? 1_502_584_396);

type Parameters = Readonly<Record<string, unknown>>;

/** A fault that is started by POST /faults and ended by its id, by its time, or together with all others. */
interface PostedFault {
  readonly by: "post";
  readonly fault: Parameters;
  readonly end: "delete" | "expire" | "sweep";
  readonly afterMs: number;
}

/** A request that suffers, or starts, a fault, and whose client goes away or waits for the end of all. */
interface Client {
  readonly by: "request";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly end: "drop" | "sweep";
  readonly afterMs: number;
}

type Step = PostedFault | Client;

const rarely = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const share = fc.integer({ min: 0, max: 10 }).map((tenths) => tenths / 10);
const routes = fc.constantFrom(["/api/*"], ["/api/items", "/api/orders"], ["/*"], undefined);
const seconds = fc.integer({ min: 0, max: 3_000 }).map((ms) => ms / 1000);

const endless: readonly fc.Arbitrary<Parameters>[] = [
  fc
    .record({
      kind: fc.constant("cpu"),
      load: fc.integer({ min: 1, max: 50 }),
      workers: fc.integer({ min: 1, max: 4 }),
    })
    .map((cpu) => ({ ...cpu, load: Math.min(cpu.load, 25 * cpu.workers) })),
  fc.record({
    kind: fc.constant("memory"),
    megabytes: fc.integer({ min: 1, max: 24 }),
    rate: rarely(fc.integer({ min: 1, max: 200 })),
  }),
  fc.record({ kind: fc.constant("latency"), min: seconds, max: fc.constant(5), routes, share }),
  fc.record({
    kind: fc.constant("latency"),
    p50: fc.constant(0.01),
    p90: seconds.map((s) => 0.01 + s),
    p99: fc.constant(5),
  }),
  fc.record({
    kind: fc.constant("errors"),
    status: fc.integer({ min: 400, max: 599 }),
    probability: share,
    routes,
  }),
  fc.record({ kind: fc.constant("errors"), every: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ kind: fc.constant("errors"), first: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ kind: fc.constant("hang"), routes, share }),
  fc.record({ kind: fc.constant("disk"), megabytes: fc.integer({ min: 1, max: 12 }) }),
  fc.record({ kind: fc.constant("fds"), count: fc.integer({ min: 1, max: 300 }) }),
  fc.record({
    kind: fc.constant("logs"),
    rate: fc.integer({ min: 1, max: 500 }),
    text: fc.string({ minLength: 1, maxLength: 60, unit: "binary" }),
  }),
  fc.constant({ kind: "health" }),
  fc.constant({ kind: "ready" }),
];

/** These end by themselves, or the process with them: they get no shorter time. */
const bounded: readonly fc.Arbitrary<Parameters>[] = [
  fc.constant({ kind: "block", duration: 0.1 }),
  fc.record({
    kind: fc.constant("crash"),
    mode: fc.constantFrom("exception", "unhandled_rejection", "exit", "signal"),
    delay: fc.constant(3_600),
  }),
];

const afterMs = fc.integer({ min: 0, max: 60 });

const posted: fc.Arbitrary<PostedFault> = fc
  .record({
    by: fc.constant("post" as const),
    fault: fc.oneof(...endless, ...bounded),
    end: fc.constantFrom("delete" as const, "expire" as const, "sweep" as const),
    seed: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    afterMs,
  })
  .map(({ fault, end, seed, ...step }) => {
    if (end === "expire" && "delay" in fault) return { ...step, fault, end: "delete" };
    if (end === "expire" && fault["kind"] !== "block") {
      return { ...step, fault: { ...fault, seed, duration: 0.1 }, end };
    }
    return { ...step, fault: { ...fault, seed }, end };
  });

const client: fc.Arbitrary<Client> = fc
  .record({
    by: fc.constant("request" as const),
    path: fc.constantFrom(
      "/stress/cpu?duration=600",
      "/stress/latency?min_delay=100&max_delay=120",
      "/stress/memory?megabytes=12",
      "/api/items",
      "/api/items/7",
      "/api/orders",
    ),
    hasHeader: fc.boolean(),
    end: fc.constantFrom("drop" as const, "sweep" as const),
    afterMs,
  })
  .map(({ path, hasHeader, end, ...step }) => ({
    ...step,
    path,
    headers: path.startsWith("/api/") && hasHeader ? { "x-sentinel-fault": "latency=100" } : {},
    // What has been leaked is no client's any more.
    end: path.startsWith("/stress/memory") ? "sweep" : end,
  }));

const sequence = fc.array(
  fc.oneof({ arbitrary: posted, weight: 3 }, { arbitrary: client, weight: 1 }),
  {
    minLength: 1,
    maxLength: 5,
  },
);

/** Sends the request of a step; resolves when it is answered, or its client is gone. */
async function request(target: BreakableTarget, { path, headers }: Client, signal: AbortSignal) {
  const isOrder = path === "/api/orders";
  try {
    const response = await fetch(`${target.url}${path}`, {
      ...(isOrder && { method: "POST", body: '{"item_id":1,"quantity":1}' }),
      headers: { ...headers, "content-type": "application/json" },
      keepalive: false,
      signal,
    });
    await response.text();
  } catch (error) {
    // Dropped by us, or by a target that was told to end.
    if (!(error instanceof Error)) throw error;
  }
}

/** Starts what the steps say, each of which is ended by its own means but for those that are to be swept. */
async function begin(target: BreakableTarget, steps: readonly Step[]) {
  const ownEnds: Promise<void>[] = [];
  const answers: Promise<void>[] = [];
  for (const step of steps) {
    if (step.by === "request") {
      const controller = new AbortController();
      answers.push(request(target, step, controller.signal));
      if (step.end === "drop") {
        ownEnds.push(Bun.sleep(step.afterMs).then(() => controller.abort()));
      }
    } else {
      const id = await target.start(step.fault);
      if (step.end === "delete") ownEnds.push(Bun.sleep(step.afterMs).then(() => target.end(id)));
    }
  }
  return { ownEnds: Promise.all(ownEnds), answers: Promise.all(answers) };
}

function idsOf(events: readonly Event[], name: string): readonly string[] {
  return events.filter(({ event }) => event === name).map(({ id }) => String(id));
}

/** Each fault that started has ended, once, and nothing was written for one that had. */
function expectAllEnded(target: BreakableTarget): number {
  const events = target.process.events();
  const started = idsOf(events, "fault_started");
  expect(new Set(started).size).toBe(started.length);
  expect(idsOf(events, "fault_ended").toSorted()).toEqual(started.toSorted());
  expect(idsOf(events, "unhandled_exception")).toEqual([]);
  expect(target.process.stderr()).toBe("");
  return started.length;
}

function holdsNothingMoreThan(before: Footprint) {
  return (now: Footprint) =>
    now.burners === 0 &&
    now.deletedFiles === 0 &&
    now.sockets <= before.sockets &&
    now.descriptors - now.sockets <= before.descriptors - before.sockets + OWN_DESCRIPTORS &&
    now.threads <= before.threads + OWN_THREADS;
}

describe("whatever was broken in whatever order", () => {
  test(
    "DELETE, expiry and clients that go leave nothing running",
    async () => {
      await using target = await startBreakable({ MAX_ACTIVE_FAULTS: "30" });
      const { pid } = target.process;
      // The runtime gets its threads, pools and pages when they are first needed.
      await target.start({ kind: "memory", megabytes: 40 });
      await target.start({ kind: "cpu", load: 20, workers: 2 });
      await target.start({ kind: "disk", megabytes: 4 });
      await target.end();
      await Bun.sleep(500);
      const before = footprint(pid);
      let swept = 0;

      await fc.assert(
        fc.asyncProperty(sequence, async (steps) => {
          const { ownEnds, answers } = await begin(target, steps);
          await ownEnds;
          if (steps.some(({ end }) => end === "sweep")) {
            swept += 1;
            await target.end();
            // Of requests, one may have come after what was there had been swept.
            await settled(
              async () => {
                const left = await target.activeFaults();
                if (left > 0) await target.end();
                return left;
              },
              (active) => active === 0,
            );
          } else await settled(target.activeFaults, (active) => active === 0);
          await answers;
          await settled(() => footprint(pid), holdsNothingMoreThan(before));
          expect(readdirSync(target.temp)).toEqual([]);
        }),
        { numRuns: SEQUENCES.ended, seed, endOnFailure: true },
      );

      const health = await fetch(`${target.url}/health`, { keepalive: false });
      const ready = await fetch(`${target.url}/ready`, { keepalive: false });
      expect([health.status, ready.status]).toEqual([200, 200]);
      const after = await settled(
        () => footprint(pid),
        ({ residentMb }) => residentMb <= before.residentMb + OWN_MB,
      );
      await settled(
        async () => {
          const lines = target.process.stdout().length;
          const { cpuMs } = footprint(pid);
          await Bun.sleep(1_000);
          return {
            written: target.process.stdout().length - lines,
            cpuMs: footprint(pid).cpuMs - cpuMs,
          };
        },
        ({ written, cpuMs }) => written === 0 && cpuMs < MAX_IDLE_CPU_MS,
      );
      const count = expectAllEnded(target);
      console.log(
        `seed ${seed}: ${SEQUENCES.ended} sequences, ${swept} swept, ${count} faults; resident ` +
          `${before.residentMb.toFixed(0)} MB before, ${after.residentMb.toFixed(0)} MB after`,
      );
    },
    TIMEOUT_MS,
  );

  test(
    "SIGTERM ends the process with all of it, in time",
    async () => {
      let count = 0;
      let slowestMs = 0;
      await fc.assert(
        fc.asyncProperty(sequence, afterMs, async (steps, delayMs) => {
          await using target = await startBreakable({ MAX_ACTIVE_FAULTS: "30" });
          const { answers } = await begin(
            target,
            steps.map((step) => ({ ...step, end: "sweep" })),
          );
          await Bun.sleep(delayMs);
          const fromMs = performance.now();
          target.process.kill("SIGTERM");
          expect(await target.process.exited).toBe(0);
          const tookMs = performance.now() - fromMs;
          expect(tookMs).toBeLessThan(4_000);
          slowestMs = Math.max(slowestMs, tookMs);
          await answers;
          expect(target.process.events().at(-1)).toMatchObject({ event: "target_stopped" });
          count += expectAllEnded(target);
          expect(readdirSync(target.temp)).toEqual([]);
        }),
        { numRuns: SEQUENCES.stopped, seed, endOnFailure: true },
      );
      console.log(
        `seed ${seed}: ${SEQUENCES.stopped} processes stopped with ${count} faults, the slowest ` +
          `in ${slowestMs.toFixed(0)} ms`,
      );
    },
    TIMEOUT_MS,
  );

  test(
    "SIGKILL leaves no file",
    async () => {
      await fc.assert(
        fc.asyncProperty(sequence, afterMs, async (steps, delayMs) => {
          await using target = await startBreakable({ MAX_ACTIVE_FAULTS: "30" });
          await target.start({ kind: "disk", megabytes: 20 });
          const { answers } = await begin(
            target,
            steps.map((step) => ({ ...step, end: "sweep" })),
          );
          expect(footprint(target.process.pid).deletedFiles).toBeGreaterThanOrEqual(1);
          await Bun.sleep(delayMs);
          target.process.kill("SIGKILL");
          await target.process.exited;
          await answers;
          expect(readdirSync(target.temp)).toEqual([]);
        }),
        { numRuns: SEQUENCES.killed, seed, endOnFailure: true },
      );
    },
    TIMEOUT_MS,
  );
});

test("DELETE answers when the threads of the fault have ended, not before", async () => {
  await using target = await startBreakable();
  const id = await target.start({ kind: "cpu", load: 50, workers: 4 });
  expect(footprint(target.process.pid).burners).toBe(4);
  await target.end(id);
  expect(footprint(target.process.pid).burners).toBe(0);
});

describe("a client that goes", () => {
  const hang = { kind: "hang", routes: ["/api/*"] };
  const late = { kind: "latency", min: 60, max: 60 };

  test.each<[string, Parameters, string, Readonly<Record<string, string>>]>([
    ["a request that hangs", hang, "/api/items", {}],
    ["a request that is delayed", late, "/api/items", {}],
    ["an order that is delayed", late, "/api/orders", {}],
    ["a delay of its own", { kind: "ready" }, "/api/items", { "x-sentinel-fault": "latency=60" }],
    ["a stress test", { kind: "ready" }, "/stress/latency?min_delay=60&max_delay=60", {}],
  ])("from %s is let go while the fault goes on", async (_, fault, path, headers) => {
    await using target = await startBreakable();
    const { process } = target;
    const id = await target.start(fault);
    const controller = new AbortController();
    const step: Client = { by: "request", path, headers, end: "drop", afterMs: 0 };
    const answer = request(target, step, controller.signal);
    await Bun.sleep(200);
    const isAnswered = (event: Event) =>
      event["event"] === "request_processed" && event["path"] === path.split("?")[0];
    expect(process.events().some(isAnswered)).toBe(false);
    controller.abort();
    await answer;
    await process.event(isAnswered, 5_000);
    await settled(target.activeFaults, (active) => active === 1);
    expect(idsOf(process.events(), "fault_ended")).not.toContain(id);
  });
});

test("readiness drops before draining: a probe is refused, an order under way is answered", async () => {
  await using target = await startBreakable();
  const { port } = new URL(target.url);
  const body = '{"item_id":1,"quantity":2}';
  let answer = "";
  const socket = connect(Number(port), "127.0.0.1");
  socket.on("data", (bytes) => (answer += bytes.toString()));
  socket.write(
    `POST /api/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
  );
  const ready = () => fetch(`${target.url}/ready`, { keepalive: false });
  expect((await ready()).status).toBe(200);
  target.process.kill("SIGTERM");
  const refused = await settled(ready, ({ status }) => status === 503);
  expect(await refused.json()).toMatchObject({ error: "draining" });
  expect((await fetch(`${target.url}/health`, { keepalive: false })).status).toBe(200);
  expect(answer).toBe("");
  socket.write(body.slice(10));
  await settled(
    () => answer,
    (text) => text.includes("accepted"),
  );
  expect(answer).toStartWith("HTTP/1.1 201");
  socket.end();
  expect(await target.process.exited).toBe(0);
});
