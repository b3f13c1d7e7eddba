import { describe, expect, test } from "bun:test";
import { createStallDetector, type StallDetector } from "./stall-detector.ts";

const TICK_MS = 1000;
const LIMIT_TICKS = 15;

function start() {
  return createStallDetector({ limitMs: LIMIT_TICKS * TICK_MS, tickMs: TICK_MS });
}

/** What each of so many ticks says; the last of them. */
function ticks(stallDetector: StallDetector, count: number): string | undefined {
  for (let tick = 1; tick < count; tick += 1) expect(stallDetector.tick()).toBeUndefined();
  return stallDetector.tick();
}

describe("a loop stands still", () => {
  test("at the limit, and not one tick before, and goes on standing still", () => {
    const stallDetector = start();
    stallDetector.join("api");
    expect(ticks(stallDetector, LIMIT_TICKS)).toBe("api");
    expect(stallDetector.tick()).toBe("api");
  });

  test("not while it beats", () => {
    const stallDetector = start();
    const loop = stallDetector.join("api");
    for (let round = 0; round < 5; round += 1) {
      expect(ticks(stallDetector, LIMIT_TICKS - 1)).toBeUndefined();
      loop.beat();
    }
    expect(ticks(stallDetector, LIMIT_TICKS)).toBe("api");
  });

  test("though another one beats", () => {
    const stallDetector = start();
    const api = stallDetector.join("api");
    stallDetector.join("web");
    expect(ticks(stallDetector, LIMIT_TICKS - 1)).toBeUndefined();
    api.beat();
    expect(stallDetector.tick()).toBe("web");
  });

  test("though another one of the same name beats", () => {
    const stallDetector = start();
    stallDetector.join("api");
    const second = stallDetector.join("api");
    expect(ticks(stallDetector, LIMIT_TICKS - 1)).toBeUndefined();
    second.beat();
    expect(stallDetector.tick()).toBe("api");
  });

  test("only after what it said that it would take", () => {
    const stallDetector = start();
    stallDetector.join("api").beat(30 * TICK_MS);
    expect(ticks(stallDetector, 30 + LIMIT_TICKS)).toBe("api");
  });

  test("and is given no more than the limit once that is over", () => {
    const stallDetector = start();
    const loop = stallDetector.join("api");
    loop.beat(30 * TICK_MS);
    loop.beat();
    expect(ticks(stallDetector, LIMIT_TICKS)).toBe("api");
  });

  test("never once it has left, even if it is heard of again", () => {
    const stallDetector = start();
    const loop = stallDetector.join("api");
    loop.leave();
    loop.beat();
    expect(ticks(stallDetector, 3 * LIMIT_TICKS)).toBeUndefined();
  });
});
