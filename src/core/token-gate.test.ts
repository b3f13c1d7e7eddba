import { describe, expect, test } from "bun:test";
import { createTokenGate, networkOf } from "./token-gate.ts";

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

describe("of a thousand addresses", () => {
  const full = () => {
    const gate = createTokenGate(TOKEN);
    for (let at = 0; at < 1000; at += 1) gate.check(WRONG, `a${at}`, 0);
    return gate;
  };

  test("the next ones share their tries until those have been quiet for a minute", () => {
    const shared = full();
    guess(shared, 10, "b", 59_999);
    expect(shared.check(RIGHT, "c", 59_999).kind).toBe("throttled");
    const forgotten = full();
    guess(forgotten, 10, "b", 60_000);
    expect(forgotten.check(RIGHT, "c", 60_000).kind).toBe("right");
    expect(forgotten.check(RIGHT, "b", 60_000).kind).toBe("throttled");
  });

  test("each goes on having its own", () => {
    const gate = full();
    guess(gate, 10, "b", 0);
    expect(guess(gate, 10, "a7", 0)).toEqual([...Array(9).fill("wrong"), "throttled"]);
    expect(gate.check(RIGHT, "a8", 0)).toEqual({ kind: "right" });
  });

  test("one that has been busy meanwhile is not forgotten", () => {
    const gate = full();
    guess(gate, 9, "a7", 59_000);
    guess(gate, 1, "a7", 59_000);
    gate.check(WRONG, "b", 60_000);
    expect(gate.check(RIGHT, "a7", 60_000).kind).toBe("throttled");
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

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["::ffff:10.0.0.9", "10.0.0.9"],
  ["::FFFF:10.0.0.9", "10.0.0.9"],
  ["::1", "0:0:0:0"],
  ["::", "0:0:0:0"],
  ["2001:db8:0:1::1", "2001:db8:0:1"],
  ["2001:db8::1:2:3:4:5", "2001:db8:0:1"],
  ["2001:db8::", "2001:db8:0:0"],
  ["2001:db8::a:b:c:d:e:f", "2001:db8:a:b"],
  ["fe80::1", "fe80:0:0:0"],
  ["1:2:3:4:5:6:7:8", "1:2:3:4"],
  ["unknown", "unknown"],
  ["::ffff:10.0.0.9:1", "0:0:0:0"],
  ["1::ffff:10.0.0.9", "1:0:0:0"],
  ["127.100.200.255", "127.100.200.255"],
])("the network of %s is %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test("who sends no token is told of, and costs no try", () => {
  const gate = createTokenGate(TOKEN);
  for (let at = 0; at < 20; at += 1) expect(gate.check(null, "a", 0).kind).toBe("missing");
  expect(gate.check(null, "b", 0)).toEqual({ kind: "missing", toTell: 1 });
  expect(gate.check(null, "a", 60_000)).toEqual({ kind: "missing", toTell: 20 });
  expect(gate.check(RIGHT, "a", 60_000)).toEqual({ kind: "right" });
});

test("whoever has guessed waits as long as is said, and a clock that stands still earns nothing", () => {
  const gate = createTokenGate(TOKEN);
  guess(gate, 10);
  expect(gate.check(WRONG, "10.0.0.1", 0)).toEqual({ kind: "throttled", retryAfterS: 6 });
  expect(gate.check(WRONG, "10.0.0.1", 3000)).toEqual({ kind: "throttled", retryAfterS: 3 });
  expect(gate.check(WRONG, "10.0.0.1", 1000)).toEqual({ kind: "throttled", retryAfterS: 3 });
});
