import { describe, expect, test } from "bun:test";
import { afterDeath, type Death, type RestartPolicy } from "./restart-policy.ts";

const POLICY: RestartPolicy = {
  minDelayMs: 100,
  maxDelayMs: 1000,
  stableMs: 10_000,
  maxDeaths: 20,
  withinMs: 60_000,
};

/** Deaths one second apart, of processes that had run that long. */
const deaths = (...ranMs: readonly number[]): Death[] =>
  ranMs.map((ran, index) => ({ atMs: index * 1000, ranMs: ran }));

describe("the delay", () => {
  test.each([
    { name: "the first is the least", ran: [0], inMs: 100 },
    { name: "it doubles with each", ran: [0, 0], inMs: 200 },
    { name: "up to the fourth", ran: [0, 0, 0, 0], inMs: 800 },
    { name: "the cap holds", ran: [0, 0, 0, 0, 0], inMs: 1000 },
    { name: "also after very many", ran: Array.from({ length: 19 }, () => 0), inMs: 1000 },
    { name: "one that ran well starts it again", ran: [0, 0, 0, 10_000], inMs: 100 },
    { name: "one that ran well by a millisecond less does not", ran: [0, 0, 9999], inMs: 400 },
    { name: "from then on it doubles again", ran: [0, 0, 10_000, 0], inMs: 200 },
    { name: "the last one that ran well counts", ran: [10_000, 0, 10_000, 0, 0], inMs: 400 },
  ])("$name", ({ ran, inMs }) => {
    expect(afterDeath(deaths(...ran), POLICY)).toEqual({ kind: "restart", inMs });
  });
});

describe("a crash loop", () => {
  const policy = { ...POLICY, maxDeaths: 3, withinMs: 2000 };
  test.each([
    { name: "3 deaths within the time", atMs: [0, 1000, 2000], gaveUp: true },
    { name: "3 deaths within a millisecond more", atMs: [0, 1000, 2001], gaveUp: false },
    { name: "2 deaths at once", atMs: [0, 0], gaveUp: false },
    { name: "old ones do not count", atMs: [0, 100, 5000, 5100], gaveUp: false },
    { name: "3 new ones behind old ones", atMs: [0, 100, 5000, 5100, 5200], gaveUp: true },
  ])("$name: $gaveUp", ({ atMs, gaveUp }) => {
    const next = afterDeath(
      atMs.map((at) => ({ atMs: at, ranMs: 0 })),
      policy,
    );
    expect(next).toMatchObject(gaveUp ? { kind: "give_up", deaths: 3 } : { kind: "restart" });
  });

  test("deaths far apart within the time are one too, however well each ran", () => {
    const often = [0, 1000, 2000].map((atMs) => ({ atMs, ranMs: 10_000 }));
    expect(afterDeath(often, policy).kind).toBe("give_up");
  });
});
