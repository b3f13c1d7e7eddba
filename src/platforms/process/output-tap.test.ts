import { describe, expect, test } from "bun:test";
import { OutputTap } from "./output-tap.ts";

/** The lines that come of the chunks, each at its time. */
function linesOf(...chunks: readonly (string | Uint8Array | number)[]): readonly string[] {
  const lines: string[] = [];
  let nowMs = 0;
  const tap = new OutputTap(
    (line) => lines.push(line),
    () => nowMs,
  );
  for (const chunk of chunks) {
    if (typeof chunk === "number") nowMs = chunk;
    else tap.push(typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk);
  }
  tap.end();
  return lines;
}

describe("lines are whole, in order, and as they were written", () => {
  test.each<[string, readonly (string | Uint8Array)[], readonly string[]]>([
    ["nothing", [], []],
    ["one", ["a\n"], ["a"]],
    ["several, and an empty one", ["a\n\nb\n"], ["a", "", "b"]],
    ["one without an end", ["a\nb"], ["a", "b"]],
    ["one in parts", ["a", "b", "c\nd", "\n"], ["abc", "d"]],
    ["a character in parts", [new Uint8Array([0xc3]), new Uint8Array([0xa9, 0x0a])], ["é"]],
    ["with a terminal's ends", ["a\r\nb\r\n"], ["a", "b"]],
    ["with colours", ["\u001b[31mred\u001b[0m\n"], ["\u001b[31mred\u001b[0m"]],
  ])("%s", (_, chunks, expected) => {
    expect(linesOf(...chunks)).toEqual([...expected]);
  });
});

test("a line without end is broken, and none of it lost", () => {
  const lines = linesOf("x".repeat(40_000), "y\n", "z\n");
  expect(lines.join("")).toBe(`${"x".repeat(40_000)}yz`);
  expect(Math.max(...lines.map(({ length }) => length))).toBe(16 * 1024);
});

test("what is more than a megabyte within a second is left out, and counted", () => {
  const chunk = "0123456789abcde\n".repeat(64 * 1024);
  const lines = linesOf(chunk, chunk, chunk, 1000, "on\n");
  expect(lines.filter((line) => line === "0123456789abcde")).toHaveLength(64 * 1024);
  expect(lines.slice(-2)).toEqual([
    `(${2 * 1024 * 1024} bytes left out: more than 1 MB came within a second)`,
    "on",
  ]);
});
