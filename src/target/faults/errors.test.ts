import { describe, expect, test } from "bun:test";
import { aliveProcess } from "../../../test/support/target.ts";
import { seededRandom } from "../seeded-random.ts";
import { createTraffic } from "../traffic.ts";
import { createProbes } from "../probes.ts";
import { errors } from "./errors.ts";
import { createLeak } from "./leak.ts";
import { createHeldMemory } from "./held-memory.ts";

const memory = createHeldMemory({
  residentBytes: () => 0,
  allowedBytes: () => 0,
  hasOwnLimit: () => false,
});

/** Which of so many requests are hit, sent in one turn of the loop. */
function inject(parameters: Readonly<Record<string, unknown>>, seed = 1) {
  const traffic = createTraffic();
  const order = errors.order(
    { kind: "errors", ...parameters },
    {
      memory,
      leak: createLeak(memory),
      traffic,
      probes: createProbes(),
      emit: () => {},
      ownProcess: aliveProcess,
      cpuWorkerEntry: undefined,
    },
  );
  const controller = new AbortController();
  let read: () => number | undefined = () => undefined;
  const over = order.inject({
    signal: controller.signal,
    random: seededRandom(seed),
    applied: () => {},
    measureBy: (reading) => (read = reading),
  });
  const send = (count: number, path = "/api/items") =>
    Array.from({ length: count }, () => {
      return traffic.affect(path, new Request("http://localhost/")) !== undefined;
    });
  return { order, send, over, measured: () => read(), end: () => controller.abort() };
}

describe("errors", () => {
  test("hit every request if nothing else is asked for", () => {
    const { order, send, measured } = inject({});
    expect(order.plan).toMatchObject({ status: 500, probability: 1 });
    expect(measured()).toBeUndefined();
    expect(send(3)).toEqual([true, true, true]);
    expect(measured()).toBe(1);
  });

  test("every third hits the third, the sixth and so on", () => {
    const { order, send, measured } = inject({ every: 3 });
    expect(send(7)).toEqual([false, false, true, false, false, true, false]);
    expect(measured()).toBeCloseTo(2 / 7, 9);
    expect(order.requested).toBeCloseTo(1 / 3, 9);
  });

  test("the first two hit two, then the fault is over", async () => {
    const { send, over, measured } = inject({ first: 2 });
    expect(send(5)).toEqual([true, true, false, false, false]);
    await over;
    expect(measured()).toBe(2);
    expect(send(1)).toEqual([false]);
  });

  test("count the requests that match, not others", () => {
    const { send } = inject({ every: 2, routes: ["/api/orders"] });
    expect(send(1, "/api/orders")).toEqual([false]);
    expect(send(3, "/api/items")).toEqual([false, false, false]);
    expect(send(1, "/api/orders")).toEqual([true]);
  });

  test("a probability of 0 hits none, and of 0.3 three in ten, the same for the same seed", () => {
    expect(inject({ probability: 0 }).send(1_000)).not.toContain(true);
    const hits = inject({ probability: 0.3 }, 7).send(10_000);
    // Five standard deviations of the binomial.
    expect(hits.filter(Boolean).length).toBeWithin(2_770, 3_230);
    expect(inject({ probability: 0.3 }, 7).send(10_000)).toEqual(hits);
    expect(inject({ probability: 0.3 }, 8).send(10_000)).not.toEqual(hits);
  });

  test("are over when the fault ends", async () => {
    const { send, over, end } = inject({});
    end();
    await over;
    expect(send(2)).toEqual([false, false]);
  });
});
