import { describe, expect, test } from "bun:test";
import { createTraffic, type Effect, type TrafficRule } from "./traffic.ts";

function get(signal?: AbortSignal, method = "GET"): Request {
  return new Request("http://localhost/api/items", { method, ...(signal && { signal }) });
}

/** A rule that does this to every request of `/api/items`. */
function always(effect: Effect | undefined): TrafficRule {
  return { matches: (path) => path === "/api/items", decide: () => effect };
}

const status = (number: number): Effect => ({ kind: "status", status: number });

/** Traffic under these rules, each ended by its own controller. */
function under(...rules: readonly TrafficRule[]) {
  const traffic = createTraffic();
  const ends = rules.map((rule) => {
    const controller = new AbortController();
    const over = traffic.apply(rule, controller.signal);
    return { abort: () => controller.abort(), over };
  });
  const send = (request: Request, path = "/api/items") => traffic.affect(path, request);
  return { ends, send };
}

const isPending = async (promise: Promise<unknown>) => {
  const pending = Symbol("pending");
  await new Promise((resolve) => setImmediate(resolve));
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending;
};

describe("ordinary traffic", () => {
  test("is left alone without rules, by rules for others, and by those that pass it over", () => {
    expect(under().send(get())).toBeUndefined();
    expect(under(always(status(500))).send(get(), "/api/orders")).toBeUndefined();
    expect(under(always(undefined)).send(get())).toBeUndefined();
  });

  test("is answered with the status of the rule", async () => {
    const response = await under(always(status(503))).send(get());
    expect(response?.status).toBe(503);
    expect(await response?.json()).toMatchObject({ error: "injected" });
  });

  test("of DELETE is spared, which is the way out", () => {
    const { send } = under(always(status(500)));
    expect(send(get(undefined, "DELETE"))).toBeUndefined();
    expect(send(get(undefined, "POST"))).toBeDefined();
  });

  test("is left alone again when the rule's fault has ended", async () => {
    const { ends, send } = under(always(status(500)), always(status(502)));
    ends[0]?.abort();
    await ends[0]?.over;
    expect((await send(get()))?.status).toBe(502);
    ends[1]?.abort();
    await ends[1]?.over;
    expect(send(get())).toBeUndefined();
  });

  test("a rule that began when its signal was aborted is never applied", async () => {
    const traffic = createTraffic();
    await traffic.apply(always(status(500)), AbortSignal.abort());
    expect(traffic.affect("/api/items", get())).toBeUndefined();
  });

  test("each rule is asked once for a matching request, in the order of arrival", () => {
    const asked: string[] = [];
    const rule = (name: string): TrafficRule => ({
      matches: (path) => path === "/api/items",
      decide: () => void asked.push(name),
    });
    const { send } = under(rule("first"), rule("second"));
    send(get());
    send(get(), "/api/orders");
    send(get());
    expect(asked).toEqual(["first", "second", "first", "second"]);
  });
});

describe("a delay", () => {
  test("lets the request through when it is over, and is measured", async () => {
    const took: number[] = [];
    const delay: Effect = { kind: "delay", delayMs: 20, onOver: (ms) => took.push(ms) };
    expect(await under(always(delay)).send(get())).toBeUndefined();
    expect(took).toHaveLength(1);
    expect(took[0]).toBeWithin(19, 2_000);
  });

  test("comes before an error, whichever began first", async () => {
    const order: string[] = [];
    const delay: Effect = { kind: "delay", delayMs: 5, onOver: () => order.push("delayed") };
    const { send } = under(always(status(500)), always(delay));
    const response = await send(get());
    order.push("answered");
    expect({ order, status: response?.status }).toEqual({
      order: ["delayed", "answered"],
      status: 500,
    });
  });

  test("ends with its fault: the request goes on, and it is no measure", async () => {
    const took: number[] = [];
    const delay: Effect = { kind: "delay", delayMs: 60_000, onOver: (ms) => took.push(ms) };
    const { ends, send } = under(always(delay));
    const answer = Promise.resolve(send(get()));
    expect(await isPending(answer)).toBe(true);
    ends[0]?.abort();
    expect(await answer).toBeUndefined();
    expect(took).toEqual([]);
  });

  test("ends when the client goes, and it is no measure", async () => {
    const took: number[] = [];
    const delay: Effect = { kind: "delay", delayMs: 60_000, onOver: (ms) => took.push(ms) };
    const client = new AbortController();
    const answer = Promise.resolve(under(always(delay)).send(get(client.signal)));
    expect(await isPending(answer)).toBe(true);
    client.abort();
    await answer;
    expect(took).toEqual([]);
  });

  test("of several faults adds up; one of them ending cuts only its own", async () => {
    const long: Effect = { kind: "delay", delayMs: 60_000 };
    const { ends, send } = under(always(long), always(long));
    const answer = Promise.resolve(send(get()));
    ends[0]?.abort();
    expect(await isPending(answer)).toBe(true);
    ends[1]?.abort();
    expect(await answer).toBeUndefined();
  });
});

describe("a request that hangs", () => {
  test("is answered with 503 when its fault ends, whatever else was to be done to it", async () => {
    const { ends, send } = under(always({ kind: "hang" }), always(status(418)));
    const answer = Promise.resolve(send(get()));
    expect(await isPending(answer)).toBe(true);
    ends[0]?.abort();
    const response = await answer;
    expect(response?.status).toBe(503);
    expect(await response?.json()).toMatchObject({ error: "hung" });
  });

  test("is let go when its client goes", async () => {
    const client = new AbortController();
    const answer = Promise.resolve(under(always({ kind: "hang" })).send(get(client.signal)));
    expect(await isPending(answer)).toBe(true);
    client.abort();
    expect(await answer).toBeInstanceOf(Response);
  });

  test("of a client that is gone already is let go at once", async () => {
    const answer = under(always({ kind: "hang" })).send(get(AbortSignal.abort()));
    expect(await answer).toBeInstanceOf(Response);
  });
});

test("10,000 delayed requests leave nothing with the fault's signal", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  let listeners = 0;
  const counting = new Proxy(signal, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== "function") return value;
      return (...args: unknown[]) => {
        if (name === "addEventListener") listeners += 1;
        if (name === "removeEventListener") listeners -= 1;
        return Reflect.apply(value, target, args);
      };
    },
  });
  const traffic = createTraffic();
  const over = traffic.apply(always({ kind: "delay", delayMs: 0 }), counting);
  const before = listeners;
  await Promise.all(
    Array.from({ length: 10_000 }, () => traffic.affect("/api/items", get(signal))),
  );
  expect(listeners).toBe(before);
  controller.abort();
  await over;
});
