import { expect, test } from "bun:test";
import { excessOf } from "./page-cost.ts";

const BOUNDS = { maxSamples: 3, maxLines: 6, maxLineLength: 100, maxLabels: 4 };
const labels = (count: number) => Array.from({ length: count }, (_, i) => `l${i}="v"`).join(",");

test.each([
  ["", undefined],
  ["a 1\nb 2\nc 3\n", undefined],
  ["# HELP a\n\na 1\nb 2\nc 3", undefined],
  ["a 1\nb 2\nc 3\nd 4", "sent more than 3 samples"],
  ["#\n".repeat(6), undefined],
  ["#\n".repeat(7), "sent more than 6 lines"],
  ["\n".repeat(7), "sent more than 6 lines"],
  [`a 1\n${"b".repeat(98)} 2`, undefined],
  [`a 1\n${"b".repeat(99)} 2`, "sent a line of more than 100 characters (line 2)"],
  [`# ${"b".repeat(99)}`, "sent a line of more than 100 characters (line 1)"],
  [`a{${labels(4)}} 1`, undefined],
  [`a{${labels(5)}} 1`, "sent a series of more than 4 labels (line 1)"],
  // An equals sign and a quote within a value are no label.
  [`a{json="${'=\\"'.repeat(9)}"} 1`, undefined],
  // Those of the lines around it are not its own.
  [`a{${labels(3)}} 1\nb{${labels(3)}} 1`, undefined],
])("%j: %p", (text, why) => {
  expect(excessOf(text, BOUNDS)?.message).toBe(why);
});

test("a page as long as may be is looked through in a fraction of a second", () => {
  const bounds = { maxSamples: 1e9, maxLines: 1e9, maxLineLength: 1e9, maxLabels: 128 };
  for (const line of ["#\n", 'a{b="c"} 1\n', `a{${labels(100)}} 1\n`]) {
    const page = line.repeat((16 * 1024 * 1024) / line.length);
    const startedMs = performance.now();
    expect(excessOf(page, bounds)).toBeUndefined();
    expect(performance.now() - startedMs).toBeLessThan(2000);
  }
});
