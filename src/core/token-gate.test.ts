import { describe, expect, test } from "bun:test";
import { createTokenGate } from "./token-gate.ts";

const TOKEN = "sesame-sesame-sesame";
const RIGHT = `Bearer ${TOKEN}`;
const WRONG = "Bearer something-else";

/** The kinds of answers to that many wrong tokens, in one moment. */
function guess(
  gate: ReturnType<typeof createTokenGate>,
  times: number,
  address = "10.0.0.1",
  nowMs = 0,
) {
  return Array.from({ length: times }, () => gate.check(WRONG, address, nowMs).kind);
}

test("the right token passes, none and a wrong one do not", () => {
  const gate = createTokenGate(TOKEN);
  expect(gate.check(RIGHT, "a", 0)).toEqual({ kind: "right" });
  expect(gate.check(null, "a", 0)).toMatchObject({ kind: "missing" });
  expect(gate.check(WRONG, "a", 0)).toMatchObject({ kind: "wrong" });
  expect(gate.check(RIGHT, "a", 0)).toEqual({ kind: "right" });
});

describe("whoever guesses", () => {
  test("has ten tries, and then is told nothing, not even by the right one", () => {
    const gate = createTokenGate(TOKEN);
    expect(guess(gate, 12)).toEqual([...Array(10).fill("wrong"), "throttled", "throttled"]);
    expect(gate.check(RIGHT, "10.0.0.1", 5999)).toMatchObject({
      kind: "throttled",
      retryAfterS: 1,
    });
    expect(gate.check(RIGHT, "10.0.0.1", 6000)).toEqual({ kind: "right" });
  });

  test("gets one try back every 6 s, and ten at most", () => {
    const gate = createTokenGate(TOKEN);
    guess(gate, 10);
    expect(guess(gate, 2, "10.0.0.1", 6000)).toEqual(["wrong", "throttled"]);
    expect(guess(gate, 11, "10.0.0.1", 3_600_000)).toEqual([
      ...Array(10).fill("wrong"),
      "throttled",
    ]);
  });

  test("keeps nobody else out", () => {
    const gate = createTokenGate(TOKEN);
    guess(gate, 20);
    expect(gate.check(RIGHT, "10.0.0.2", 0)).toEqual({ kind: "right" });
  });

  test("does not get more tries by more addresses of one IPv6 network", () => {
    const gate = createTokenGate(TOKEN);
    const kinds = Array.from(
      { length: 11 },
      (_, at) => gate.check(WRONG, `2001:db8:0:1::${at}`, 0).kind,
    );
    expect(kinds.at(-1)).toBe("throttled");
    expect(gate.check(WRONG, "2001:db8:0:1:f:f:f:f", 0).kind).toBe("throttled");
    expect(gate.check(WRONG, "2001:db8:0:2::1", 0).kind).toBe("wrong");
    guess(gate, 10, "::ffff:10.0.0.9");
    expect(gate.check(WRONG, "10.0.0.9", 0).kind).toBe("throttled");
    expect(gate.check(WRONG, "::1", 0).kind).toBe("wrong");
  });

  test("by many addresses has ten tries more for all beyond the thousandth, and takes no more memory", () => {
    const gate = createTokenGate(TOKEN);
    for (let at = 0; at < 1000; at += 1) gate.check(WRONG, `a${at}`, 0);
    const kinds = Array.from({ length: 5000 }, (_, at) => gate.check(WRONG, `b${at}`, 0).kind);
    expect(kinds.filter((kind) => kind === "wrong")).toHaveLength(10);
    // A minute later the first thousand are forgotten, and there is room again.
    expect(gate.check(RIGHT, "c", 60_000)).toEqual({ kind: "right" });
    expect(gate.check(WRONG, "d", 60_000).kind).toBe("wrong");
  });
});

test("refusals are told once a minute for each address, with how many there were", () => {
  const gate = createTokenGate(TOKEN);
  const toTell = (address: string, nowMs: number) => {
    const answer = gate.check(WRONG, address, nowMs);
    return answer.kind === "right" ? "right" : answer.toTell;
  };
  expect([toTell("a", 0), toTell("a", 1), toTell("a", 59_999), toTell("b", 2)]).toEqual([
    1,
    undefined,
    undefined,
    1,
  ]);
  expect(toTell("a", 60_000)).toBe(3);
});
