import { describe, expect, test } from "bun:test";
import { createPulse, type Pulse } from "./pulse.ts";

const TICK_MS = 1000;
const LIMIT_TICKS = 15;

function start() {
  return createPulse({ limitMs: LIMIT_TICKS * TICK_MS, tickMs: TICK_MS });
}

/** What each of so many ticks says; the last of them. */
function ticks(pulse: Pulse, count: number): string | undefined {
  for (let tick = 1; tick < count; tick += 1) expect(pulse.tick()).toBeUndefined();
  return pulse.tick();
}

describe("a loop stands still", () => {
  test("at the limit, and not one tick before, and goes on standing still", () => {
    const pulse = start();
    pulse.join("api");
    expect(ticks(pulse, LIMIT_TICKS)).toBe("api");
    expect(pulse.tick()).toBe("api");
  });

  test("not while it beats", () => {
    const pulse = start();
    const loop = pulse.join("api");
    for (let round = 0; round < 5; round += 1) {
      expect(ticks(pulse, LIMIT_TICKS - 1)).toBeUndefined();
      loop.beat();
    }
    expect(ticks(pulse, LIMIT_TICKS)).toBe("api");
  });

  test("though another one beats", () => {
    const pulse = start();
    const api = pulse.join("api");
    pulse.join("web");
    expect(ticks(pulse, LIMIT_TICKS - 1)).toBeUndefined();
    api.beat();
    expect(pulse.tick()).toBe("web");
  });

  test("though another one of the same name beats", () => {
    const pulse = start();
    pulse.join("api");
    const second = pulse.join("api");
    expect(ticks(pulse, LIMIT_TICKS - 1)).toBeUndefined();
    second.beat();
    expect(pulse.tick()).toBe("api");
  });

  test("only after what it said that it would take", () => {
    const pulse = start();
    pulse.join("api").beat(30 * TICK_MS);
    expect(ticks(pulse, 30 + LIMIT_TICKS)).toBe("api");
  });

  test("and is given no more than the limit once that is over", () => {
    const pulse = start();
    const loop = pulse.join("api");
    loop.beat(30 * TICK_MS);
    loop.beat();
    expect(ticks(pulse, LIMIT_TICKS)).toBe("api");
  });

  test("never once it has left, even if it is heard of again", () => {
    const pulse = start();
    const loop = pulse.join("api");
    loop.leave();
    loop.beat();
    expect(ticks(pulse, 3 * LIMIT_TICKS)).toBeUndefined();
  });
});
