import { describe, expect, test } from "bun:test";
import { NEVER } from "../../test/support/fixtures.ts";
import { createClock, systemClock } from "./system-clock.ts";

const HOUR_MS = 3_600_000;
const START_MS = 1_800_000_000_000;

/** A clock whose two readings move by hand. */
function machine() {
  let elapsedMs = 0;
  let setMs = 0;
  const clock = createClock({
    monotonicMs: () => 5000 + elapsedMs,
    wallMs: () => START_MS + elapsedMs + setMs,
  });
  return {
    clock,
    pass: (durationMs: number) => void (elapsedMs += durationMs),
    /** Somebody sets the wall clock. */
    set: (byMs: number) => void (setMs += byMs),
    wallMs: () => START_MS + elapsedMs + setMs,
  };
}

describe("a clock", () => {
  test("begins with the wall clock's time, and counts on evenly when that is set", () => {
    const { clock, pass, set } = machine();
    expect(clock.nowMs()).toBe(START_MS);
    pass(1000);
    set(-HOUR_MS);
    expect(clock.nowMs()).toBe(START_MS + 1000);
    set(40 * HOUR_MS);
    pass(1);
    expect(clock.nowMs()).toBe(START_MS + 1001);
  });

  test.each([HOUR_MS, -HOUR_MS, 1001, -1001])("shows the wall clock's time after %p ms", (byMs) => {
    const { clock, pass, set, wallMs } = machine();
    pass(1000);
    set(byMs);
    expect(clock.toWall(clock.nowMs())).toBe(wallMs());
    pass(1000);
    expect(clock.toWall(clock.nowMs())).toBe(wallMs());
    set(-byMs);
    expect(clock.toWall(clock.nowMs())).toBe(wallMs());
  });

  test("takes no notice of a wall clock that is set right in small steps, until it is a second", () => {
    const { clock, set } = machine();
    set(1000);
    expect(clock.toWall(0)).toBe(0);
    set(1);
    expect(clock.toWall(0)).toBe(1001);
    set(-900);
    expect(clock.toWall(0)).toBe(1001);
  });
});

describe("what the wall clock showed", () => {
  test.each([HOUR_MS, -HOUR_MS])("before and after it was set by %p ms", (byMs) => {
    const { clock, pass, set, wallMs } = machine();
    const before = { wall: wallMs(), now: clock.nowMs() };
    pass(2 * HOUR_MS);
    clock.toWall(0);
    set(byMs);
    clock.toWall(0);
    const after = { wall: wallMs(), now: clock.nowMs() };
    pass(10_000);
    expect(clock.fromWall(before.wall)).toBe(before.now);
    expect(clock.fromWall(after.wall)).toBe(after.now);
  });

  test("just after it was set, and before anybody had noticed", () => {
    const { clock, pass, set, wallMs } = machine();
    clock.toWall(0);
    pass(60_000);
    set(-HOUR_MS);
    pass(60_000);
    const atMs = clock.nowMs();
    const wallAtMs = wallMs();
    pass(60_000);
    expect(clock.fromWall(wallAtMs)).toBe(atMs);
  });

  test("is known after it was set many times", () => {
    const { clock, pass, set, wallMs } = machine();
    const moments: { readonly wall: number; readonly now: number }[] = [];
    for (let times = 0; times < 10; times += 1) {
      set(HOUR_MS);
      clock.toWall(0);
      moments.push({ wall: wallMs(), now: clock.nowMs() });
      pass(60_000);
    }
    for (const { wall, now } of moments) expect(clock.fromWall(wall)).toBe(now);
  });

  test("at a moment that is still to come is told by what it shows now", () => {
    const { clock, pass, set } = machine();
    pass(1);
    clock.toWall(0);
    set(HOUR_MS);
    expect(clock.fromWall(START_MS + 2 * HOUR_MS)).toBe(START_MS + HOUR_MS);
    expect(clock.fromWall(START_MS - 40 * HOUR_MS)).toBe(START_MS - 40 * HOUR_MS);
  });
});

describe("the system's clock", () => {
  test("tells the present", () => {
    expect(Math.abs(systemClock.nowMs() - Date.now())).toBeLessThan(1000);
  });

  test("sleeps for its time, and not if the signal has aborted already", async () => {
    const fromMs = performance.now();
    await systemClock.sleep(30, NEVER);
    expect(performance.now() - fromMs).toBeGreaterThanOrEqual(29);
    await systemClock.sleep(600_000, AbortSignal.abort());
    expect(performance.now() - fromMs).toBeLessThan(5000);
  });

  test("wakes when the signal aborts, and leaves no listener behind", async () => {
    const stop = new AbortController();
    let listeners = 0;
    const { signal } = stop;
    const add = signal.addEventListener.bind(signal);
    const remove = signal.removeEventListener.bind(signal);
    signal.addEventListener = (...args: Parameters<typeof add>) => {
      listeners += 1;
      add(...args);
    };
    signal.removeEventListener = (...args: Parameters<typeof remove>) => {
      listeners -= 1;
      remove(...args);
    };
    await systemClock.sleep(1, signal);
    const long = systemClock.sleep(600_000, signal);
    stop.abort();
    await long;
    expect(listeners).toBe(0);
  });
});
