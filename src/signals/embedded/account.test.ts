import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Pool } from "./account.ts";

const room = (series: number) => ({ series, labelBytes: series * 100, historyBytes: 0 });
const ONE = room(1);

describe("room that is shared", () => {
  test("what is kept for one is there, however much another takes", () => {
    const pool = new Pool(room(10));
    const [greedy, modest] = [pool.reserve(room(3)), pool.reserve(room(3))];
    let taken = 0;
    while (greedy.take(ONE)) taken += 1;
    expect(taken).toBe(7);
    for (let index = 0; index < 3; index += 1) expect(modest.take(ONE)).toBe(true);
    expect(modest.take(ONE)).toBe(false);
  });

  test("what one gives back, another may take", () => {
    const pool = new Pool(room(2));
    const [first, second] = [pool.reserve(room(0)), pool.reserve(room(0))];
    expect([first.take(ONE), first.take(ONE), second.take(ONE)]).toEqual([true, true, false]);
    first.giveBack(ONE);
    expect(second.take(ONE)).toBe(true);
  });

  test("bytes of labels are room as well as series", () => {
    const account = new Pool({ series: 10, labelBytes: 100, historyBytes: 0 }).reserve({
      series: 0,
      labelBytes: 0,
      historyBytes: 0,
    });
    expect(account.take({ series: 1, labelBytes: 101, historyBytes: 0 })).toBe(false);
    expect(account.take({ series: 1, labelBytes: 100, historyBytes: 0 })).toBe(true);
    expect(account.take({ series: 1, labelBytes: 1, historyBytes: 0 })).toBe(false);
  });

  test("in whatever order: never more than there is, and each its own", () => {
    const step = fc.record({ who: fc.nat(2), takes: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const pool = new Pool(room(12));
        const accounts = [2, 3, 4].map((own) => pool.reserve(room(own)));
        const used = [0, 0, 0];
        for (const { who, takes } of steps) {
          const account = accounts[who];
          if (account === undefined) continue;
          const before = used[who] ?? 0;
          if (takes) {
            const isTaken = account.take(ONE);
            if (before < account.reserved.series) expect(isTaken).toBe(true);
            if (isTaken) used[who] = before + 1;
          } else if (before > 0) {
            account.giveBack(ONE);
            used[who] = before - 1;
          }
          expect(used.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(12);
        }
      }),
    );
  });
});
