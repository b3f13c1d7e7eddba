import { describe, expect, test } from "bun:test";
import { createProbes, PROBES } from "./probes.ts";

describe.each([...PROBES])("the probe %s", (probe) => {
  test("answers 200, fails while a fault makes it, and answers again", async () => {
    const probes = createProbes();
    expect(probes.answer(probe).status).toBe(200);
    const controller = new AbortController();
    const { over } = probes.fail(probe, controller.signal);
    const failing = probes.answer(probe);
    expect(failing.status).toBe(503);
    expect(await failing.json()).toEqual({
      error: "failing",
      message: `a fault makes the ${probe} probe fail`,
    });
    controller.abort();
    await over;
    expect(probes.answer(probe).status).toBe(200);
  });

  test("fails until the last of two faults is over", async () => {
    const probes = createProbes();
    const [first, second] = [new AbortController(), new AbortController()];
    const failures = [first, second].map(({ signal }) => probes.fail(probe, signal));
    first.abort();
    await failures[0]?.over;
    expect(probes.answer(probe).status).toBe(503);
    second.abort();
    await failures[1]?.over;
    expect(probes.answer(probe).status).toBe(200);
  });

  test("leaves the other one alone", () => {
    const probes = createProbes();
    void probes.fail(probe, new AbortController().signal);
    for (const other of PROBES) {
      expect(probes.answer(other).status).toBe(other === probe ? 503 : 200);
    }
  });

  test("counts from when its fault began", () => {
    const probes = createProbes();
    probes.answer(probe);
    const { tally } = probes.fail(probe, new AbortController().signal);
    expect(tally()).toEqual({ asked: 0, failed: 0 });
    probes.answer(probe);
    probes.answer(probe);
    expect(tally()).toEqual({ asked: 2, failed: 2 });
  });
});

test("draining fails readiness alone, for good", () => {
  const probes = createProbes();
  probes.drain();
  expect(probes.answer("ready").status).toBe(503);
  expect(probes.answer("health").status).toBe(200);
  expect(probes.answer("ready").status).toBe(503);
});
