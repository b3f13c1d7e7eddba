import { expect, test } from "bun:test";
import { giveTurn } from "./turn.ts";

test.each([
  ["few things none", 1999, []],
  ["many things one", 2000, [0]],
])("after a step over %s gives a turn to others", async (_, count, turns) => {
  const slept: number[] = [];
  const clock = { sleep: async (durationMs: number) => void slept.push(durationMs) };
  await giveTurn(count, clock, new AbortController().signal);
  expect(slept).toEqual([...turns]);
});
