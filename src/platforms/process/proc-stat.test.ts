import { expect, test } from "bun:test";
import { parseStat } from "./proc-stat.ts";

/** The fields of `proc_pid_stat(5)` in their order, from the state on. */
const REST =
  "S 1 2 2 0 -1 4194560 100 0 0 0 250 50 30 20 20 0 1 0 12345 1000000 300 18446744073709551615";

test("CPU is its own and that of children that it waited for, memory is resident", () => {
  expect(parseStat(`42 (svc) ${REST}\n`)).toEqual({
    pid: 42,
    cpuSeconds: 3.5,
    memoryBytes: 300 * 4096,
  });
});

test("a name may hold blanks and parentheses", () => {
  expect(parseStat(`42 (a) S 1 (b) ${REST}`)?.cpuSeconds).toBe(3.5);
});

test.each(["", "42 (svc) S 1 2", "x"])("%j is no such line", (line) => {
  expect(parseStat(line)).toBeUndefined();
});
